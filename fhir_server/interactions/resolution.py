"""What one attempt at a transaction finds out: which resources its criteria and links mean.

https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from fhir_server.interactions.access import listable, visible
from fhir_server.interactions.conditional import criteria_key, not_selective
from fhir_server.interactions.entry import located
from fhir_server.interactions.plan import raise_if, repeated
from fhir_server.interactions.request import Answer
from fhir_server.interactions.update import resolved
from fhir_server.r4.links import MissingVersion, Target, Targets, point
from fhir_server.r4.outcome import FhirError, Issue
from fhir_server.search.matching import Wanted, matches_many

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fhir_server.context import Context
    from fhir_server.interactions.draft import Draft
    from fhir_server.interactions.engine import Engine, Records
    from fhir_server.interactions.plan import Plan, Step
    from fhir_server.interactions.request import Request
    from fhir_server.search.matching import Match
    from fhir_server.store.rows import Change, Predicate, Statement, TableSet, Version, Written
    from fhir_server.store.transaction import Transaction

Key = tuple[str, str]


@dataclass(slots=True)
class Resolution:
    """Found out so far, by index of the entry.

    ``ids``       what the criteria of a patch or delete match
    ``targets``   where links to an entry point
    ``updates``   the drafts of conditional updates
    ``answers``   of conditional creates that found what they would create
    ``same_as``   the entry that creates under the same criteria
    ``matches``   by search URI
    ``versions``  current versions of what is changed, locked; ``outside`` version numbers of
                  other resources, by address
    """

    ids: dict[int, list[str]] = field(default_factory=dict[int, "list[str]"])
    targets: dict[int, Target] = field(default_factory=dict[int, Target])
    updates: dict[int, Draft] = field(default_factory=dict[int, "Draft"])
    answers: dict[int, Answer] = field(default_factory=dict[int, Answer])
    same_as: dict[int, int] = field(default_factory=dict[int, int])
    matches: dict[str, Target] = field(default_factory=dict[str, Target])
    versions: dict[Key, Version | None] = field(default_factory=dict[Key, "Version | None"])
    outside: dict[str, int] = field(default_factory=dict[str, int])

    def target(self, step: Step) -> Target | None:
        """Where links to a step point; None where nobody can refer to it."""
        return self.targets.get(step.entry.index, step.target)

    def writes(self, step: Step) -> list[Key]:
        """What a step changes."""
        index, type_ = step.entry.index, step.request.type
        if step.method == "GET" or index in self.answers or index in self.same_as:
            return []
        if index in self.ids:
            return [(type_, id) for id in self.ids[index]]
        target = self.target(step)
        return [(type_, target.id)] if target else []


class Locked:
    """Records of which some are known, because they are locked."""

    def __init__(self, records: Records, versions: Mapping[Key, Version | None]) -> None:
        self._records = records
        self._versions = versions

    async def read(
        self, context: Context, visible: Predicate, type: str, id: str
    ) -> Version | None:
        """From what is known, else from the records."""
        if (type, id) in self._versions:
            return self._versions[type, id]
        return await self._records.read(context, visible, type, id)

    async def read_many(
        self,
        context: Context,
        visible: Mapping[str, Predicate],
        keys: Sequence[Key],
    ) -> Mapping[Key, Version]:
        """From the records."""
        return await self._records.read_many(context, visible, keys)

    async def write(self, context: Context, changes: Sequence[Change]) -> list[Written]:
        """To the records."""
        return await self._records.write(context, changes)

    async def search(self, context: Context, statement: Statement) -> Sequence[tuple[Any, ...]]:
        """From the records."""
        return await self._records.search(context, statement)

    def tables(self, tenant: str, type: str) -> TableSet:
        """Those of the records."""
        return self._records.tables(tenant, type)


async def resolve_criteria(
    engine: Engine, context: Context, plan: Plan, records: Transaction
) -> Resolution:
    """The resources that conditional entries mean, as they stood before the transaction."""
    resolution = Resolution()
    steps = [step for step in plan.steps if step.criteria]
    if not steps:
        return resolution
    keys = [criteria_key(engine, step.request.type, step.criteria or ()) for step in steps]
    await records.lock_criteria(sorted(set(keys)))
    deleted = {
        (step.request.type, step.request.id) for step in plan.steps if step.method == "DELETE"
    }
    wanted = [Wanted(s.request.type, s.criteria or (), _limit(engine, s, deleted)) for s in steps]
    found = await _matches(engine, context, wanted, records)
    first: dict[int, int] = {}
    raise_if(_created_twice(steps, keys, found))
    for step, key, matches in zip(steps, keys, found, strict=True):
        gone = deleted if step.method != "DELETE" else set[Key]()
        left = [match for match in matches if (step.request.type, match.id) not in gone]
        try:
            await _resolve(engine, context, step, left, resolution, records)
        except FhirError as error:
            raise located(error, step.entry) from None
        if step.method == "POST" and step.entry.index not in resolution.answers:
            _share(step, key, first, resolution)
    raise_if(repeated((s, key) for s in plan.steps for key in resolution.writes(s)))
    return resolution


async def claim_criteria(
    engine: Engine, context: Context, plan: Plan, records: Transaction
) -> Resolution:
    """The same, and what is to be changed is locked: it goes on matching until it is written."""
    resolution = await resolve_criteria(engine, context, plan, records)
    while _claims(plan, resolution) - resolution.versions.keys():
        changed = [s for s in plan.steps if s.method != "POST"]
        keys = [key for step in changed for key in resolution.writes(step)]
        await lock(engine, context, keys, resolution, records)
        again = await resolve_criteria(engine, context, plan, records)
        again.versions = resolution.versions
        resolution = again
    return resolution


def _claims(plan: Plan, resolution: Resolution) -> set[Key]:
    """What criteria matched and will be changed; new ids are nobody else's."""
    claims: set[Key] = set()
    for step in plan.steps:
        draft = resolution.updates.get(step.entry.index)
        if step.criteria and step.method != "POST" and (draft is None or draft.method != "POST"):
            claims.update(resolution.writes(step))
    return claims


async def resolve_references(
    engine: Engine, context: Context, plan: Plan, resolution: Resolution, records: Records
) -> None:
    """The resource that each search URI means; 400 for none, 412 for several."""
    if not plan.references:
        return
    texts = list(plan.references)
    wanted = [Wanted(type_, criteria, 2) for type_, criteria in plan.references.values()]
    found = await _matches(engine, context, wanted, records)
    issues: list[Issue] = []
    for text, (type_, _), matches in zip(texts, plan.references.values(), found, strict=True):
        if len(matches) == 1:
            resolution.matches[text] = Target(type_, matches[0].id, matches[0].vid)
        else:
            code, said = ("multiple-matches", "several") if matches else ("not-found", "nothing")
            places = [s for s in plan.steps if s.links and text in s.links.conditional()]
            issues += [s.entry.fault(".resource", f"{text} matches {said}", code) for s in places]
    if issues:
        several = all(issue.code == "multiple-matches" for issue in issues)
        raise FhirError(412 if several else 400, issues)


async def point_links(
    engine: Engine, context: Context, plan: Plan, resolution: Resolution, records: Transaction
) -> None:
    """Make every link point at what it means; versions are looked up where a link needs one."""
    issues: list[Issue] = []
    targets = _targets(engine, plan, resolution)
    asked: set[str] = set()
    for step in plan.steps:
        while step.links is not None:
            try:
                issues += point(step.links, targets)
                break
            except MissingVersion as missing:
                if missing.address in asked:
                    text = f"{missing.address} has no version to refer to"
                    issues.append(step.entry.fault(".resource", text, "not-found"))
                    break
                asked.add(missing.address)
                await _find_version(engine, context, plan, resolution, missing.address, records)
                targets = _targets(engine, plan, resolution)
    raise_if(issues)


def point_simple(engine: Engine, plan: Plan) -> bool:
    """The same where nothing has to be looked up; False where something has to."""
    targets = _targets(engine, plan, Resolution())
    issues: list[Issue] = []
    try:
        for step in plan.steps:
            if step.links is not None:
                issues += point(step.links, targets)
    except MissingVersion:
        return False
    raise_if(issues)
    return True


async def lock(
    engine: Engine,
    context: Context,
    keys: Sequence[Key],
    resolution: Resolution,
    records: Transaction,
) -> None:
    """Lock what is to be changed, in the order that everybody keeps, and read it."""
    wanted = sorted(set(keys) - resolution.versions.keys())
    if not wanted:
        return
    await records.lock(wanted)
    predicates = {type_: visible(engine, context, type_) for type_, _ in wanted}
    found = await records.read_many(context, predicates, wanted)
    resolution.versions |= {key: found.get(key) for key in wanted}


def with_id(step: Step, resolution: Resolution) -> Request:
    """The request of a conditional patch with the id that its criteria gave."""
    ids = resolution.ids.get(step.entry.index)
    return msgspec.structs.replace(step.request, id=ids[0]) if ids else step.request


async def _matches(
    engine: Engine, context: Context, wanted: Sequence[Wanted], records: Records
) -> list[list[Match]]:
    for type_ in {each.type for each in wanted}:
        listable(engine, context, type_)
    return await matches_many(context, records, engine.catalog, wanted)


async def _resolve(
    engine: Engine,
    context: Context,
    step: Step,
    matches: Sequence[Match],
    resolution: Resolution,
    records: Transaction,
) -> None:
    request, index = step.request, step.entry.index
    most = engine.rules.conditional_delete_limit if step.method == "DELETE" else 1
    if len(matches) > most:
        raise not_selective(request.type, step.criteria or ())
    one = matches[0] if matches else None
    if step.method == "DELETE":
        resolution.ids[index] = sorted(match.id for match in matches)
    elif step.method == "PATCH":
        if one is None:
            issue = Issue("not-found", f"No {request.type} matches the criteria")
            raise FhirError(404, [issue])
        resolution.ids[index] = [one.id]
    elif step.method == "PUT":
        found = one.id if one else None
        resource = request.resource or {}
        draft = await resolved(engine, context, request, resource, found, records)
        resolution.updates[index] = msgspec.structs.replace(draft, where=step.where)
        resolution.targets[index] = Target(request.type, draft.id, int(draft.method == "POST"))
    elif one is not None:
        resolution.targets[index] = Target(request.type, one.id, one.vid)
        resolution.answers[index] = Answer(
            status=200,
            type=request.type,
            id=one.id,
            vid=one.vid,
            updated=one.updated,
            location=True,
        )
    if step.method in {"PATCH", "DELETE"} and one is not None:
        resolution.targets[index] = Target(request.type, one.id)


def _created_twice(
    steps: Sequence[Step], keys: Sequence[int], found: Sequence[Sequence[Match]]
) -> list[Issue]:
    """Updates under the criteria of another entry that would create what that one creates too."""
    first: dict[int, Step] = {}
    issues: list[Issue] = []
    for step, key, matches in zip(steps, keys, found, strict=True):
        if step.method not in {"POST", "PUT"} or matches:
            continue
        other = first.setdefault(key, step)
        if other is not step and "PUT" in {step.method, other.method}:
            text = f"The resource of these criteria is written by entry {other.entry.index} too"
            issues.append(step.entry.fault(".request", text, "duplicate"))
    return issues


def _share(step: Step, key: int, first: dict[int, int], resolution: Resolution) -> None:
    """Creates under the same criteria are one create: the second finds what the first made."""
    other = first.setdefault(key, step.entry.index)
    if other != step.entry.index:
        resolution.same_as[step.entry.index] = other
        resolution.targets[step.entry.index] = resolution.targets[other]
    elif step.target is not None:
        resolution.targets[step.entry.index] = step.target


def _limit(engine: Engine, step: Step, deleted: set[Key]) -> int:
    """One more than may match, and as many as this transaction deletes first."""
    if step.method == "DELETE":
        return engine.rules.conditional_delete_limit + 1
    return 2 + sum(type_ == step.request.type for type_, _ in deleted)


def _targets(engine: Engine, plan: Plan, resolution: Resolution) -> Targets:
    full_urls: dict[str, Target] = {}
    claims: dict[str, list[Target]] = {}
    changed: set[str] = set()
    for step in plan.steps:
        target = resolution.target(step)
        if target is None:
            continue
        if step.entry.full_url:
            full_urls[step.entry.full_url] = target
        if step.method != "POST":
            changed.add(target.address)
            continue
        own = (step.request.resource or {}).get("id")
        if isinstance(own, str) and not step.entry.root:
            claims.setdefault(f"{step.request.type}/{own}", []).append(target)
    will_be = {
        f"{type_}/{id}": 1 if version is None else version.vid + 1
        for (type_, id), version in resolution.versions.items()
    }
    claims = {address: listed for address, listed in claims.items() if address not in changed}
    return Targets(
        full_urls=full_urls,
        claimed={address: listed[0] for address, listed in claims.items() if len(listed) == 1},
        ambiguous=frozenset(address for address, listed in claims.items() if len(listed) > 1),
        matches=resolution.matches,
        versions=will_be | resolution.outside,
        base_url=engine.base_url,
    )


async def _find_version(
    engine: Engine,
    context: Context,
    plan: Plan,
    resolution: Resolution,
    address: str,
    records: Transaction,
) -> None:
    """Of what this transaction writes, the version it will have; of anything else, the current."""
    type_, _, id_ = address.partition("/")
    keys = [key for step in plan.steps for key in resolution.writes(step)]
    if (type_, id_) in keys:
        await lock(engine, context, keys, resolution, records)
    elif type_ in engine.types:
        version = await records.read(context, visible(engine, context, type_), type_, id_)
        if version is not None and not version.deleted:
            resolution.outside[address] = version.vid
