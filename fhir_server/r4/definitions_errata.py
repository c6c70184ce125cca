"""Corrections of what the 4.0.1 definitions get wrong, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_SP = "http://hl7.org/fhir/SearchParameter/"
_SD = "http://hl7.org/fhir/StructureDefinition/"


@dataclass(frozen=True, slots=True)
class Erratum:
    """``change`` replaces columns of a search parameter; an empty base removes it."""

    reason: str
    change: Mapping[str, Any]


def _removed(reason: str) -> Erratum:
    return Erratum(reason, {"base": ()})


def _value_of(expression: str) -> Erratum:
    return Erratum(
        "the expression ends at the extension, which holds the value but is none itself",
        {"expression": f"{expression}.value"},
    )


_EXAMPLE = "an example of a SearchParameter that shadows the real one"
# Ten more parameters of the package (ValueSet and CodeSystem extensions) have no base and drop out.
SEARCH_PARAMETERS: Mapping[str, Erratum] = {
    _SP + "example": _removed(_EXAMPLE),
    _SP + "example-reference": _removed(_EXAMPLE),
    _SP + "example-extension": _removed(_EXAMPLE),
    _SP + "patient-extensions-Patient-age": _removed(
        "no expression; an age changes with the clock, so no index can hold it"
    ),
    _SP + "patient-extensions-Patient-birthOrderBoolean": _removed(
        "no expression, and R4 defines no such extension"
    ),
    _SP + "patient-extensions-Patient-mothersMaidenName": Erratum(
        "names the parameter instead of the extension",
        {"expression": f"Patient.extension('{_SD}patient-mothersMaidenName').value"},
    ),
    _SP + "device-extensions-Device-din": _value_of(
        f"Device.extension('{_SP}device-extensions-Device-din')"
    ),
    _SP + "diagnosticreport-genetic-DiagnosticReport-assessed-condition": _value_of(
        f"DiagnosticReport.extension('{_SD}DiagnosticReport-geneticsAssessedCondition')"
    ),
    _SP + "observation-genetic-Observation-amino-acid-change": _value_of(
        f"Observation.extension('{_SD}observation-geneticsAminoAcidChangeName')"
    ),
    _SP + "observation-genetic-Observation-dna-variant": _value_of(
        f"Observation.extension('{_SD}observation-geneticsDnaVariant')"
    ),
    _SP + "observation-genetic-Observation-gene-amino-acid-change": _value_of(
        f"Observation.extension('{_SD}observation-geneticsAminoAcidChangeName')"
    ),
    _SP + "observation-genetic-Observation-gene-dnavariant": _value_of(
        f"Observation.extension('{_SD}observation-geneticsDnaVariant')"
    ),
    _SP + "observation-genetic-Observation-gene-identifier": _value_of(
        f"Observation.extension('{_SD}observation-geneticsGene')"
    ),
    _SP + "Consent-source-reference": Erratum(
        "Consent.source[x] may also be an Attachment, which is no reference",
        {"expression": "Consent.source as Reference"},
    ),
    _SP + "Observation-code-value-date": Erratum(
        "the type is spelt DateTime, which is FHIRPath's own and not FHIR's",
        {
            "component": [
                [_SP + "clinical-code", "code"],
                [_SP + "Observation-value-date", "value.as(dateTime) | value.as(Period)"],
            ]
        },
    ),
}

CONSTRAINTS: Mapping[str, str] = {
    # The published "Boolean" is FHIRPath's own type, which no answer has.
    "que-7": "operator = 'exists' implies (answer is boolean)",
    # The published "> 2" does not say what its text says: more than one.
    "que-12": "enableWhen.count() > 1 implies enableBehavior.exists()",
    # The published "when in (…)" cannot be evaluated where there are two.
    "tim-9": (
        "offset.empty() or "
        "(when.exists() and when.all(($this in ('C' | 'CM' | 'CD' | 'CV')).not()))"
    ),
}
