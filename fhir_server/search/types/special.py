"""Parameters of every resource that are columns rather than index rows, and ``near``.

https://hl7.org/fhir/R4/search.html#all
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, LiteralString, cast

from fhir_server.search.escapes import unescape
from fhir_server.search.kind import Condition, Key, Modifier, SearchType, any_of
from fhir_server.search.types import date
from fhir_server.search.types.number import exact
from fhir_server.store.rows import Fragment

if TYPE_CHECKING:
    from fhir_server.r4.definitions import Definitions
    from fhir_server.r4.json import Json
    from fhir_server.search.kind import Criterion, Reading, Scope, Slot
    from fhir_server.search.parameters import Parameter
    from fhir_server.store.rows import IndexRows

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
LATITUDE = "lat"
LONGITUDE = "lon"


def index_nothing(slot: Slot, value: object, type_code: str, rows: IndexRows) -> None:
    """The columns of the search row hold it already."""


def read_id(parameter: Parameter, modifier: str, text: str, reading: Reading) -> str:  # noqa: ARG001
    """A logical id, compared with case."""
    id_ = unescape(text)
    if not _ID.fullmatch(id_):
        raise ValueError(f"{id_[:100]!r} is not an id")
    return id_


def compare_id(criterion: Criterion, scope: Scope) -> Condition:
    """One of the ids."""
    rows = Fragment(
        "SELECT r.rid FROM " + scope.tables.resource + " r"
        " WHERE r.type = %s::smallint AND r.id = ANY(%s::text[])",
        (scope.tables.type, list(criterion.values)),
    )
    return Condition("s.rid IN (" + rows.text + ")", rows.values, few=True, rows=rows)


def sort_id(
    parameter: Parameter,  # noqa: ARG001
    descending: bool,  # noqa: ARG001, FBT001 - the signature of every type's sort
    scope: Scope,
    definitions: Definitions,  # noqa: ARG001
) -> Key | None:
    """The id as text."""
    return Key("(SELECT r.id FROM " + scope.tables.resource + " r WHERE r.rid = s.rid)")


def compare_updated(criterion: Criterion, scope: Scope) -> Condition:  # noqa: ARG001
    """The instant of the last change; it is exact, so its range is a point."""
    found = any_of([_updated(cast("date.Instants", value)) for value in criterion.values])
    return Condition(found.text, found.values, updated=True)


def sort_updated(
    parameter: Parameter,  # noqa: ARG001
    descending: bool,  # noqa: ARG001, FBT001 - the signature of every type's sort
    scope: Scope,  # noqa: ARG001
    definitions: Definitions,  # noqa: ARG001
) -> Key | None:
    """The column itself."""
    return Key("s.updated", type="timestamptz", column="s.updated")


def index_near(slot: Slot, value: object, type_code: str, rows: IndexRows) -> None:  # noqa: ARG001
    """Latitude and longitude in degrees."""
    if isinstance(value, dict):
        latitude = exact(cast("Json", value).get("latitude"))
        longitude = exact(cast("Json", value).get("longitude"))
        if latitude is not None and longitude is not None:
            rows.numbers.append((slot.hash(LATITUDE), latitude, latitude))
            rows.numbers.append((slot.hash(LONGITUDE), longitude, longitude))


def _updated(asked: date.Instants) -> Condition:
    text, ends = _POINT[asked.prefix]
    return Condition(text, tuple(asked.low if end == "low" else asked.high for end in ends))


# As the conditions of dates, for a stored range that is one instant.
_POINT: dict[str, tuple[LiteralString, tuple[LiteralString, ...]]] = {
    "eq": ("(s.updated >= %s AND s.updated < %s)", ("low", "high")),
    "ne": ("NOT (s.updated >= %s AND s.updated < %s)", ("low", "high")),
    "gt": ("s.updated >= %s", ("high",)),
    "lt": ("s.updated < %s", ("low",)),
    "ge": ("s.updated >= %s", ("low",)),
    "le": ("s.updated < %s", ("high",)),
    "sa": ("s.updated >= %s", ("high",)),
    "eb": ("s.updated < %s", ("low",)),
    "ap": ("(s.updated >= %s AND s.updated < %s)", ("low", "high")),
}

ID_TYPE = SearchType(
    index=index_nothing, modifiers={"": Modifier(read_id, compare_id)}, sort=sort_id
)
UPDATED_TYPE = SearchType(
    index=index_nothing,
    modifiers={"": Modifier(date.read, compare_updated)},
    sort=sort_updated,
)
NEAR_TYPE = SearchType(index=index_near, modifiers={})
