"""References to resources of this server that must exist.

https://hl7.org/fhir/R4/references.html#literal
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fhir_server.r4.outcome import Issue
from fhir_server.r4.reference import relative
from fhir_server.store.rows import Predicate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fhir_server.context import Context
    from fhir_server.interactions.draft import Draft
    from fhir_server.interactions.engine import Engine, Records

# Whether a reference dangles is a property of the data, not of who asks.
_WHOEVER_ASKS = Predicate()


async def dangling(
    engine: Engine, context: Context, drafts: Sequence[Draft], records: Records
) -> list[Issue]:
    """One issue per local reference whose target neither lives nor is among the drafts."""
    places: dict[tuple[str, str], list[str]] = {}
    for draft in drafts:
        for path, text in _references(draft.resource, draft.where or draft.type):
            target = relative(text, engine.base_url)
            if target.kind == "relative" and target.type and target.id:
                places.setdefault((target.type, target.id), []).append(path)
    written = {(draft.type, draft.id): draft.resource is not None for draft in drafts}
    wanted = sorted(key for key in places if not written.get(key))
    if not wanted:
        return []
    asked = [key for key in wanted if key not in written]
    found = await records.read_many(context, {type: _WHOEVER_ASKS for type, _ in asked}, asked)
    lives = {key for key, version in found.items() if not version.deleted}
    return [
        Issue("not-found", f"{key[0]}/{key[1]} does not exist on this server", place)
        for key in wanted
        if key not in lives
        for place in places[key]
    ]


def _references(value: object, path: str) -> Iterator[tuple[str, str]]:
    """(FHIRPath, text) of every literal reference below a value."""
    if isinstance(value, dict):
        for name, child in cast("dict[str, object]", value).items():
            place = f"{path}.{name}"
            if name == "reference" and isinstance(child, str):
                yield place, child
            else:
                yield from _references(child, place)
    elif isinstance(value, list):
        for index, child in enumerate(cast("list[object]", value)):
            yield from _references(child, f"{path}[{index}]")
