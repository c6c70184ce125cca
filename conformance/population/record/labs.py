"""Laboratory work: order, specimen, results, report.

https://hl7.org/fhir/R4/diagnosticreport.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.population.clock import HOUR
from conformance.population.codes.tables import PANELS, SNOMED, SPECIMENS, Json, concept, hl7
from conformance.population.record.findings import observe

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.population.body import Body
    from conformance.population.record.chart import Chart, Visit

_LABORATORY = [hl7("v2-0074", "LAB", "Laboratory")]
_ORDERED = [concept(SNOMED, "108252007", "Laboratory procedure (procedure)")]
_TESTS = concept(SNOMED, "15220000", "Laboratory test (procedure)")
_URINE = {"albumin_ratio", "urine_culture"}
_PRICES = {
    "basic_metabolic": 34.0,
    "comprehensive_metabolic": 58.0,
    "lipids": 46.0,
    "blood_count": 31.0,
}


def _near(mean: float, spread: float) -> Callable[[Body, int], float]:
    return lambda body, _: body.dice.near(mean, spread)


def _cholesterol(body: Body, _: int) -> float:
    return body.ldl + body.hdl + body.triglycerides / 5


VALUES: dict[str, Callable[[Body, int], float]] = {
    # Mean glucose of an HbA1c: 28.7 * A1c - 46.7 (ADAG); fasting lies lower.
    "glucose": lambda b, _: max(62, (28.7 * b.a1c - 46.7) * b.dice.near(0.9, 0.06)),
    "a1c": lambda b, _: b.dice.near(b.a1c, 0.08),
    "urea": lambda b, when: 6 + 8 * b.creatinine(when) * b.dice.near(1, 0.1),
    "creatinine": lambda b, when: b.creatinine(when) * b.dice.near(1, 0.03),
    "egfr": lambda b, when: b.egfr(when) * b.dice.near(1, 0.03),
    "calcium": _near(9.5, 0.25),
    "sodium": _near(140, 1.8),
    "potassium": lambda b, when: b.dice.near(4.2, 0.2) + max(0, 45 - b.egfr(when)) * 0.018,
    "chloride": _near(102, 1.8),
    "bicarbonate": lambda b, when: b.dice.near(26, 1.2) - max(0, 40 - b.egfr(when)) * 0.15,
    "protein": _near(7.1, 0.3),
    "albumin": _near(4.3, 0.22),
    "bilirubin": _near(0.6, 0.15),
    "alkaline_phosphatase": _near(76, 14),
    "alt": lambda b, when: b.dice.near(14 + b.bmi(when) * 0.35, 5),
    "ast": lambda b, when: b.dice.near(14 + b.bmi(when) * 0.25, 4),
    "cholesterol": _cholesterol,
    "triglycerides": lambda b, _: b.triglycerides,
    "hdl": lambda b, _: b.hdl,
    "ldl": lambda b, _: b.ldl,
    "leukocytes": lambda b, _: b.dice.near(6.8, 0.9) + b.infection * 8,
    "erythrocytes": lambda b, _: b.hemoglobin * 10 / b.mcv * 3.0,
    "hemoglobin": lambda b, _: b.dice.near(b.hemoglobin, 0.2),
    "hematocrit": lambda b, _: b.hemoglobin * 3.0,
    "mcv": lambda b, _: b.dice.near(b.mcv, 1),
    "platelets": _near(248, 38),
    "ferritin": lambda b, _: max(3, b.dice.near(b.ferritin, 3)),
    "albumin_ratio": lambda b, _: max(1, b.albumin_ratio * b.dice.near(1, 0.15)),
    "bnp": lambda b, _: max(5, b.bnp * b.dice.near(1, 0.12)),
    "troponin": lambda b, _: max(2, b.dice.near(6, 2)),
    "inr": lambda b, _: b.dice.near(b.inr, 0.12 if b.inr > 1.5 else 0.04),
    "tsh": lambda b, _: max(0.05, b.tsh * b.dice.near(1, 0.08)),
    "crp": lambda b, _: max(0.3, b.dice.near(2.2, 0.7) + b.infection**2 * 160),
    "procalcitonin": lambda b, _: max(0.02, b.dice.near(0.05, 0.01) + b.infection**4 * 14),
    "lactate": lambda b, _: b.dice.near(1.1, 0.2) + b.infection**3 * 3.4,
    "urate": lambda b, _: b.dice.near(b.urate, 0.3),
    "psa": lambda b, _: max(0.1, b.psa * b.dice.near(1, 0.1)),
    "cea": lambda b, _: max(0.2, b.cea * b.dice.near(1, 0.08)),
}


def perform(visit: Visit) -> None:
    """One order and one specimen per kind of material, a report per panel."""
    chart = visit.chart
    collected = min(visit.start + 20, chart.end)
    keys = list(visit.wanted)
    blood = [key for key in keys if key not in _URINE]
    if "comprehensive_metabolic" in blood and "basic_metabolic" in blood:
        blood.remove("basic_metabolic")
    if blood:
        _draw(visit, blood, "serum", collected)
    if len(blood) < len(keys):
        urine = [key for key in keys if key in _URINE]
        if urine:
            _draw(visit, urine, "urine", collected)
    visit.wanted.clear()


def draw(visit: Visit, keys: list[str], when: int) -> None:
    """Results at a chosen time of a stay."""
    if when < min(visit.end, visit.chart.end):
        _draw(visit, keys, "serum", when)


def order(visit: Visit, code: Json, when: int) -> Json:
    """The request behind a result."""
    chart = visit.chart
    return chart.new(
        "ServiceRequest",
        "us-core-servicerequest",
        status="completed",
        intent="order",
        category=_ORDERED,
        code=code,
        subject=chart.subject,
        encounter=visit.reference,
        occurrenceDateTime=chart.stamp(when),
        authoredOn=chart.stamp(visit.start if when - visit.start < HOUR else when - 10),
        requester=visit.clinician.practitioner,
    )


def specimen(visit: Visit, kind: str, request: Json, when: int) -> Json:
    """What was collected, and when."""
    chart = visit.chart
    return chart.new(
        "Specimen",
        "us-core-specimen",
        status="available",
        type=SPECIMENS[kind],
        subject=chart.subject,
        receivedTime=chart.stamp(min(when + 60, chart.end)),
        request=[chart.own(request)],
        collection={
            "collector": visit.clinician.practitioner,
            "collectedDateTime": chart.stamp(when),
        },
    )


def _draw(visit: Visit, keys: list[str], material: str, when: int) -> None:
    chart = visit.chart
    code = PANELS[keys[0]].code if keys[0] in PANELS else _TESTS
    request = order(visit, code, when)
    basis = [chart.own(request)]
    sample = chart.own(specimen(visit, material, request, when))
    issued = chart.stamp(min(when + 5 * HOUR, chart.end))
    done: set[str] = set()
    for key in keys:
        panel = PANELS.get(key)
        if panel is None:
            _result(chart, visit, key, when, (basis, sample, issued))
            visit.charge(_TESTS, 24.0)
            continue
        results = [
            _result(chart, visit, member, when, (basis, sample, issued))
            for member in panel.members
            if member not in done
        ]
        done.update(panel.members)
        report(visit, panel.code, results, when, (basis, sample, issued))
        visit.charge(panel.code, _PRICES[key])


def _result(
    chart: Chart, visit: Visit, key: str, when: int, origin: tuple[list[Json], Json, str]
) -> Json:
    found = observe(visit, key, VALUES[key](chart.body, when), when)
    found["basedOn"], found["specimen"], found["issued"] = origin
    return found


def report(
    visit: Visit,
    code: Json,
    results: list[Json],
    when: int,
    origin: tuple[list[Json], Json, str],
) -> Json:
    """A DiagnosticReport over its results."""
    chart = visit.chart
    basis, sample, issued = origin
    return chart.new(
        "DiagnosticReport",
        "us-core-diagnosticreport-lab",
        basedOn=basis,
        status="final",
        category=_LABORATORY,
        code=code,
        subject=chart.subject,
        encounter=visit.reference,
        effectiveDateTime=chart.stamp(when),
        issued=issued,
        performer=[chart.person.site.organization],
        resultsInterpreter=[chart.clinician("laboratory").practitioner],
        specimen=[sample],
        result=[chart.own(found) for found in results],
    )
