"""Coverage, claims and explanations of benefit.

https://hl7.org/fhir/R4/claim.html
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from conformance.population.clock import DAY
from conformance.population.codes.tables import Json, dollars, hl7

if TYPE_CHECKING:
    from conformance.population.record.chart import Chart, Visit

_SELF = hl7("subscriber-relationship", "self", "Self")
_TYPES = {
    "AMB": hl7("claim-type", "professional", "Professional"),
    "EMER": hl7("claim-type", "institutional", "Institutional"),
    "IMP": hl7("claim-type", "institutional", "Institutional"),
}
_NORMAL = hl7("processpriority", "normal", "Normal")
_MEMBER = hl7("v2-0203", "MB", "Member Number")
_KINDS = {
    "Model Medicare": hl7("v3-ActCode", "MCPOL", "managed care policy"),
    "Model Medicaid": hl7("v3-ActCode", "PUBLICPOL", "public healthcare"),
}
_EMPLOYER = hl7("v3-ActCode", "EHCPOL", "extended healthcare")
_SUBMITTED = hl7("adjudication", "submitted", "Submitted Amount")
_BENEFIT = hl7("adjudication", "benefit", "Benefit Amount")
_COPAY = hl7("adjudication", "copay", "CoPay")
_CARE_TEAM = hl7("claimcareteamrole", "primary", "Primary provider")
_PRINCIPAL = [hl7("ex-diagnosistype", "principal", "Principal Diagnosis")]


def cover(chart: Chart) -> None:
    """Medicare from 65, else an employer's plan, Medicaid, or (6 %) none."""
    dice, age = chart.dice, chart.age(chart.now)
    payers = chart.world.payers
    if dice.chance(0.06):
        return
    if age >= 66:
        chart.payer = payers[2]
    else:
        chart.payer = dice.weigh(payers, (42.0, 30.0, 2.0, 26.0))
    number = f"SYN{dice.whole(0, 10**9 - 1):09d}"
    found = chart.new(
        "Coverage",
        "us-core-coverage",
        identifier=[
            {
                "type": _MEMBER,
                "system": "http://example.org/fhir/population/member",
                "value": number,
            }
        ],
        status="active" if chart.death is None else "cancelled",
        type=_KINDS.get(chart.payer["display"], _EMPLOYER),
        subscriberId=number,
        beneficiary=chart.subject,
        relationship=_SELF,
        period={"start": chart.day(chart.begin)},
        payor=[chart.payer],
    )
    if chart.death is not None:
        found["period"] = {"start": chart.day(chart.begin), "end": chart.day(chart.death)}
    chart.coverage = chart.own(found)


def _lines(visit: Visit) -> list[Json]:
    return [
        {
            "sequence": sequence,
            "productOrService": code,
            "unitPrice": dollars(price),
            "net": dollars(price),
            **({"encounter": [visit.reference]} if sequence == 1 else {}),
        }
        for sequence, (code, price) in enumerate(visit.charges, 1)
    ]


def claim(visit: Visit) -> None:
    """A claim per finished visit, and the payer's answer a few days later."""
    chart = visit.chart
    if chart.coverage is None:
        return
    created = chart.stamp(visit.end)
    period = {"start": chart.stamp(visit.start), "end": created}
    amount = sum((Decimal(f"{price:.2f}") for _, price in visit.charges), Decimal(0))
    diagnoses = [
        {"sequence": n, "diagnosisReference": chart.own(problem), "type": _PRINCIPAL}
        for n, problem in enumerate(visit.reasons[:3], 1)
    ]
    lines = _lines(visit)
    shared: Json = {
        "status": "active",
        "type": _TYPES[visit.kind.code],
        "use": "claim",
        "patient": chart.subject,
        "billablePeriod": period,
        "created": created,
        "provider": chart.person.site.organization,
        "insurance": [{"sequence": 1, "focal": True, "coverage": chart.coverage}],
        "item": lines,
    }
    if diagnoses:
        shared["diagnosis"] = diagnoses
    total = {"value": amount, "currency": "USD"}
    asked = chart.new("Claim", "", **shared, priority=_NORMAL, total=total)
    _explain(visit, chart.own(asked), shared, amount)


def _explain(visit: Visit, asked: Json, shared: Json, amount: Decimal) -> None:
    chart = visit.chart
    when = visit.end + DAY * (3 + visit.start % 9)
    if when >= chart.now:
        return
    paid = (amount * Decimal("0.8")).quantize(Decimal("0.01"))
    explained = shared | {
        "created": chart.stamp(visit.end),
        "insurer": chart.payer,
        "claim": asked,
        "outcome": "complete",
        "disposition": "Settled as contracted",
        "careTeam": [{"sequence": 1, "provider": visit.clinician.practitioner, "role": _CARE_TEAM}],
        "insurance": [{"focal": True, "coverage": chart.coverage}],
        "item": [_settled(line) for line in shared["item"]],
        "total": [
            {"category": _SUBMITTED, "amount": {"value": amount, "currency": "USD"}},
            {"category": _BENEFIT, "amount": {"value": paid, "currency": "USD"}},
        ],
    }
    if when < chart.end:
        money = {"value": paid, "currency": "USD"}
        explained["payment"] = {"amount": money, "date": chart.day(when)}
    chart.new("ExplanationOfBenefit", "", **explained)


def _settled(line: Json) -> Json:
    price: Decimal = line["net"]["value"]
    own = (price * Decimal("0.2")).quantize(Decimal("0.01"))
    adjudication = [
        {"category": _SUBMITTED, "amount": line["net"]},
        {"category": _COPAY, "amount": {"value": own, "currency": "USD"}},
        {"category": _BENEFIT, "amount": {"value": price - own, "currency": "USD"}},
    ]
    return line | {"adjudication": adjudication}
