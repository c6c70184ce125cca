"""The mark of synthetic data, and the US Core profile where asked for.

Every resource carries the security label HTEST (test health data), people also carry it as a tag.
https://terminology.hl7.org/CodeSystem-v3-ActReason.html
"""

from __future__ import annotations

from conformance.population.codes.tables import TERMINOLOGY, Json

SYNTHETIC: Json = {
    "system": f"{TERMINOLOGY}v3-ActReason",
    "code": "HTEST",
    "display": "test health data",
}
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"


class Meta:
    """One shared `meta` per profile; resources share it, so it is not to be changed."""

    def __init__(self, *, profiles: bool) -> None:
        self._profiles = profiles
        self._made: dict[str, Json] = {}
        self.plain: Json = {"security": [SYNTHETIC]}

    def of(self, *profiles: str) -> Json:
        """`profiles` are names under US Core's canonical, e.g. us-core-patient."""
        key = " ".join(profiles)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = self._make(profiles)
        return found

    def person(self, profile: str) -> Json:
        """The mark once more as a tag, for people."""
        return self.of(profile) | {"tag": [SYNTHETIC]}

    def _make(self, profiles: tuple[str, ...]) -> Json:
        if not self._profiles:
            return self.plain
        return {"profile": [US_CORE + name for name in profiles], **self.plain}
