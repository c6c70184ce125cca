"""``:missing``, which every type of parameter but composite knows.

https://hl7.org/fhir/R4/search.html#modifiers

Which parameters have a value is kept in hashes of four parameters each: one hash says which of
the four are there. So both questions, who has a value and who has none, are an OR of eight
hashes, whichever of the two is rare.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from fhir_server.search.kind import Condition, Modifier, holds

if TYPE_CHECKING:
    from fhir_server.search.hashes import Hasher
    from fhir_server.search.kind import Criterion, Reading, Scope
    from fhir_server.search.parameters import Parameter

GROUP = 4
_PRESENCE = ""


@lru_cache(maxsize=1024)
def presence_hashes(hasher: Hasher, type: str, groups: int) -> tuple[tuple[int, ...], ...]:
    """By group and by which of its parameters are there (a number of four bits)."""
    return tuple(
        tuple(
            hasher.hash(type, _PRESENCE, str(group), str(present)) for present in range(1 << GROUP)
        )
        for group in range(groups)
    )


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> bool:  # noqa: ARG001
    """Whether values that are missing are asked for: true or false."""
    if parameter.presence < 0:
        raise ValueError("always has a value: :missing asks nothing")
    if text not in {"true", "false"}:
        raise ValueError(":missing takes true or false")
    return text == "true"


def compare(criterion: Criterion, scope: Scope) -> Condition:
    """Resources without (true) or with (false) a value for the parameter."""
    parameter = criterion.parameter
    group, bit = divmod(parameter.presence, GROUP)
    hashes = presence_hashes(scope.hasher, parameter.type, group + 1)[group]
    wanted = {value is False for value in criterion.values}
    return holds(
        tuple(hashed for present, hashed in enumerate(hashes) if bool(present >> bit & 1) in wanted)
    )


MISSING = Modifier(read, compare)
