"""Medication orders, dispenses and doses given.

https://hl7.org/fhir/R4/medicationrequest.html
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from conformance.population.clock import HOUR
from conformance.population.codes.tables import DRUGS, SNOMED, UCUM, Drug, Json, concept, hl7

if TYPE_CHECKING:
    from conformance.population.record.chart import Visit

_COMMUNITY = [hl7("medicationrequest-category", "community", "Community")]
_INPATIENT = [hl7("medicationrequest-category", "inpatient", "Inpatient")]
_FIRST_FILL = hl7("v3-ActCode", "FF", "First Fill")
_ROUTES = {
    "oral": concept(SNOMED, "26643006", "Oral route (qualifier value)", "Oral"),
    "subcutaneous": concept(SNOMED, "34206005", "Subcutaneous route (qualifier value)"),
    "inhalation": concept(SNOMED, "447694001", "Respiratory tract route (qualifier value)"),
    "intravenous": concept(SNOMED, "47625008", "Intravenous route (qualifier value)"),
    "intramuscular": concept(SNOMED, "78421000", "Intramuscular route (qualifier value)"),
}
_UNITS = {
    "mg": "mg",
    "mL": "mL",
    "g": "g",
    "units": "[iU]",
    "puffs": "{puff}",
    "tablet": "{tbl}",
    "capsule": "{capsule}",
}


def _amount(drug: Drug) -> Json:
    value = int(drug.amount) if drug.amount == int(drug.amount) else Decimal(str(drug.amount))
    return {"value": value, "unit": drug.unit, "system": UCUM, "code": _UNITS[drug.unit]}


def _dosage(drug: Drug) -> Json:
    dose = _amount(drug)
    dosage: Json = {
        "sequence": 1,
        "route": _ROUTES[drug.route],
        "doseAndRate": [{"doseQuantity": dose}],
    }
    if drug.daily == 0:
        return dosage | {"text": f"{dose['value']} {drug.unit} as needed", "asNeededBoolean": True}
    if drug.daily < 1:
        repeat = {"frequency": 1, "period": 1, "periodUnit": "wk"}
        text = f"{dose['value']} {drug.unit} once a week"
    else:
        repeat = {"frequency": int(drug.daily), "period": 1, "periodUnit": "d"}
        text = f"{dose['value']} {drug.unit}, {int(drug.daily)} a day"
    return dosage | {"text": text, "timing": {"repeat": repeat}, "asNeededBoolean": False}


_dosages: dict[str, Json] = {}


def dosage_of(drug: Drug) -> Json:
    """The usual dosage of a drug."""
    found = _dosages.get(drug.key)
    if found is None:
        found = _dosages[drug.key] = _dosage(drug)
    return found


def _supply(drug: Drug, days: int) -> Json:
    """How much of it `days` take, and for how long; 30 doses where taken as needed."""
    doses = round(drug.daily * days) or 30
    value = round(drug.amount * doses)
    return {
        "quantity": {"value": value, "unit": drug.unit, "system": UCUM, "code": _UNITS[drug.unit]},
        "duration": {"value": days, "unit": "days", "system": UCUM, "code": "d"},
    }


def prescribe(visit: Visit, key: str, problem: str | Json, *, days: int = 0) -> None:
    """Lasting unless `days` is given; what the patient already takes is left as it is."""
    chart, drug = visit.chart, DRUGS[key]
    if not days and drug.key in chart.drugs:
        return
    reason = chart.problems[problem] if isinstance(problem, str) else problem
    when = visit.start + 12
    ended = days > 0 and when + days * 24 * HOUR < chart.end
    supply = _supply(drug, days or 90)
    order = chart.new(
        "MedicationRequest",
        "us-core-medicationrequest",
        status="completed" if ended else "active",
        intent="order",
        category=_COMMUNITY,
        medicationCodeableConcept=drug.code,
        subject=chart.subject,
        encounter=visit.reference,
        authoredOn=chart.stamp(when),
        requester=visit.clinician.practitioner,
        reasonReference=[chart.own(reason)],
        dosageInstruction=[dosage_of(drug)],
        dispenseRequest={
            "numberOfRepeatsAllowed": 0 if days else 3,
            "quantity": supply["quantity"],
            "expectedSupplyDuration": supply["duration"],
        },
    )
    if not days:
        chart.drugs[drug.key] = order
    _dispense(visit, drug, order, supply)


def _dispense(visit: Visit, drug: Drug, order: Json, supply: Json) -> None:
    chart = visit.chart
    when = visit.end + chart.dice.whole(1, 30) * HOUR
    if when >= chart.end or chart.dice.random() > chart.person.diligence + 0.3:
        return
    chart.new(
        "MedicationDispense",
        "us-core-medicationdispense",
        status="completed",
        medicationCodeableConcept=drug.code,
        subject=chart.subject,
        context=visit.reference,
        performer=[{"actor": chart.clinician("pharmacy").practitioner}],
        authorizingPrescription=[chart.own(order)],
        type=_FIRST_FILL,
        quantity=supply["quantity"],
        daysSupply=supply["duration"],
        whenHandedOver=chart.stamp(when),
        dosageInstruction=order["dosageInstruction"],
    )


def stop(visit: Visit, key: str) -> None:
    """End a lasting drug."""
    order = visit.chart.drugs.pop(key, None)
    if order is not None:
        order["status"] = "stopped"


def administer(visit: Visit, key: str, problem: Json, when: int) -> None:
    """A dose of the hospital formulary, ordered on the first day."""
    chart, drug = visit.chart, DRUGS[key]
    if when >= min(visit.end, chart.end):
        return
    product = chart.world.formulary[drug.key]
    order = visit.orders.get(drug.key)
    if order is None:
        order = visit.orders[drug.key] = chart.new(
            "MedicationRequest",
            "us-core-medicationrequest",
            status="completed" if visit.end < chart.now else "active",
            intent="order",
            category=_INPATIENT,
            medicationReference=product,
            subject=chart.subject,
            encounter=visit.reference,
            authoredOn=chart.stamp(when),
            requester=visit.clinician.practitioner,
            reasonReference=[chart.own(problem)],
            dosageInstruction=[dosage_of(drug)],
        )
        visit.charge(drug.code, drug.price)
    chart.new(
        "MedicationAdministration",
        "",
        status="completed",
        medicationReference=product,
        subject=chart.subject,
        context=visit.reference,
        effectiveDateTime=chart.stamp(when),
        performer=[{"actor": visit.clinician.practitioner}],
        reasonReference=[chart.own(problem)],
        request=chart.own(order),
        dosage={"route": _ROUTES[drug.route], "dose": _amount(drug)},
    )
