"""PHQ-9: nine answers, and the score that is their sum.

https://hl7.org/fhir/R4/questionnaireresponse.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.population.codes.tables import LOINC, Json, coding, read
from conformance.population.record.findings import observe

if TYPE_CHECKING:
    from conformance.population.record.chart import Visit

_form = read("phq9")
_ITEMS: list[list[str]] = _form["items"]
_ANSWERS = [coding(LOINC, code, text) for code, text in _form["answers"]]


def phq9(visit: Visit, score: float) -> None:
    """`score` is the total to reach, 0 to 27."""
    chart, dice = visit.chart, visit.chart.dice
    left = max(0, min(27, round(score)))
    points = [0] * 9
    while left:
        at = dice.whole(0, 8)
        # The ninth item, thoughts of self-harm, is rarely answered with more than "not at all".
        if points[at] < 3 and (at < 8 or left > 20):
            points[at] += 1
            left -= 1
        elif sum(points[:8]) == 24:
            points[8] += left
            left = 0
    response = chart.new(
        "QuestionnaireResponse",
        "us-core-questionnaireresponse",
        questionnaire="http://loinc.org/q/44249-1",
        status="completed",
        subject=chart.subject,
        encounter=visit.reference,
        authored=chart.stamp(visit.start + 6),
        author=chart.subject,
        item=[_item(row, point) for row, point in zip(_ITEMS, points, strict=True)],
    )
    found = observe(visit, "phq9", sum(points), visit.start + 8)
    found["derivedFrom"] = [chart.own(response)]


def _item(row: list[str], point: int) -> Json:
    link, text = row
    return {"linkId": link, "text": text, "answer": [{"valueCoding": _ANSWERS[point]}]}
