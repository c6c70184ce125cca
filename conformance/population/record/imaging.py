"""Imaging: the procedure, its study and the radiologist's report.

https://hl7.org/fhir/R4/imagingstudy.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from conformance.population.codes.tables import LOINC, SNOMED, Json, coding, concept
from conformance.population.record.care import procedure

if TYPE_CHECKING:
    from conformance.population.record.chart import Visit

_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_X_RAY = coding(_DICOM, "DX", "Digital Radiography")
_MAMMOGRAM = coding(_DICOM, "MG", "Mammography")
_DX_CLASS = "urn:oid:1.2.840.10008.5.1.4.1.1.1.1"
_MG_CLASS = "urn:oid:1.2.840.10008.5.1.4.1.1.1.2"
_RADIOLOGY = [concept(LOINC, "LP29684-5", "Radiology")]
_REPORTS = {
    "chest_x_ray": concept(LOINC, "36643-5", "XR Chest 2 Views"),
    "mammography": concept(LOINC, "24606-6", "MG Breast Screening"),
}
_OTHER = concept(LOINC, "18748-4", "Diagnostic imaging study")
_SITES = {
    "chest_x_ray": ("51185008", "Thoracic structure (body structure)"),
    "wrist_x_ray": ("8205005", "Wrist region structure (body structure)"),
    "pelvis_x_ray": ("12921003", "Pelvic structure (body structure)"),
    "clavicle_x_ray": ("51299004", "Bone structure of clavicle (body structure)"),
    "ankle_x_ray": ("344001", "Ankle region structure (body structure)"),
    "mammography": ("76752008", "Breast structure (body structure)"),
}


def _oid(uuid: str) -> str:
    """A DICOM UID made of a UUID, as DICOM PS3.5 B.2 allows."""
    return f"2.25.{UUID(uuid).int}"


def imaging(visit: Visit, key: str, problem: Json | None, conclusion: str = "") -> None:
    """Images taken at the start of the visit, read at its end."""
    chart = visit.chart
    done = procedure(visit, key, problem)
    breast = key == "mammography"
    start = done["performedPeriod"]["start"]
    series = {
        "uid": _oid(chart.uuid()),
        "number": 1,
        "modality": _MAMMOGRAM if breast else _X_RAY,
        "numberOfInstances": 1,
        "bodySite": coding(SNOMED, *_SITES[key]),
        "started": start,
        "instance": [
            {
                "uid": _oid(chart.uuid()),
                "sopClass": coding(
                    "urn:ietf:rfc:3986", _MG_CLASS if breast else _DX_CLASS, "Image Storage"
                ),
                "number": 1,
            }
        ],
    }
    study = chart.new(
        "ImagingStudy",
        "",
        identifier=[
            {"use": "official", "system": "urn:dicom:uid", "value": f"urn:oid:{_oid(chart.uuid())}"}
        ],
        status="available",
        modality=[series["modality"]],
        subject=chart.subject,
        encounter=visit.reference,
        started=start,
        procedureReference=chart.own(done),
        numberOfSeries=1,
        numberOfInstances=1,
        series=[series],
    )
    chart.new(
        "DiagnosticReport",
        "us-core-diagnosticreport-note",
        status="final",
        category=_RADIOLOGY,
        code=_REPORTS.get(key, _OTHER),
        subject=chart.subject,
        encounter=visit.reference,
        effectiveDateTime=start,
        issued=chart.stamp(visit.end),
        performer=[chart.person.site.organization],
        imagingStudy=[chart.own(study)],
        conclusion=conclusion or (problem["code"]["text"] if problem else "No abnormality seen"),
    )
