"""The one tail of every write: REST, bundles, loads and adapters all end here.

https://hl7.org/fhir/R4/http.html#create
https://hl7.org/fhir/R4/resource.html#Meta

id and meta, validation, referential integrity, index rows, the grant's claim on the result, seal,
encoding: all of it for any number of drafts, then one call to the store.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import msgspec

from fhir_server.interactions.access import admit, visible
from fhir_server.interactions.audit import Event
from fhir_server.interactions.binary import patients_of
from fhir_server.interactions.body import BINARY
from fhir_server.interactions.integrity import dangling
from fhir_server.interactions.request import Answer
from fhir_server.r4.json import Json, encode, survives_jsonb
from fhir_server.r4.outcome import FhirError, Issue, invalid, unprocessable
from fhir_server.store.rows import Change, instant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from fhir_server.context import Context
    from fhir_server.interactions.draft import Draft
    from fhir_server.interactions.engine import Engine, Records
    from fhir_server.store.rows import IndexRows, Method, Predicate, Written

_AUDITED: Mapping[Method, str] = {
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_ERRORS = frozenset({"error", "fatal"})
# What only the store knows stands in for itself until the text is cut around it.
_VERSION = "0"


class Prepared(msgspec.Struct, frozen=True):
    """A draft that may be written; ``answer`` is the change with the open resource."""

    draft: Draft
    change: Change
    answer: Change
    issues: tuple[Issue, ...]


async def commit(
    engine: Engine, context: Context, drafts: Sequence[Draft], records: Records | None = None
) -> list[Answer]:
    """Writes all drafts or none, in one call to the store; answers in their order.

    ``records`` is an open transaction, if there is one. Raises 400 with every issue of every
    draft, 422 for dangling references, 403 or 404 where the grant ends, 409 or 412 where
    ``expect`` does not hold.
    """
    records = engine.store if records is None else records
    prepared = await prepare(engine, context, drafts, records)
    await check_integrity(engine, context, drafts, records)
    return await write(engine, context, prepared, records)


async def prepare(
    engine: Engine, context: Context, drafts: Sequence[Draft], records: Records
) -> list[Prepared]:
    """All that comes before the store. Raises 403, then 400 with every issue of every draft."""
    predicates = [visible(engine, context, draft.type) for draft in drafts]
    finished = [_finished(draft, context) for draft in drafts]
    issues = [_validated(engine, context, draft) for draft in finished]
    faults = [issue for found in issues for issue in found if issue.severity in _ERRORS]
    if faults:
        raise FhirError(400, faults)
    indexed = [await _rows(engine, context, draft, finished, records) for draft in finished]
    return [
        _prepared(engine, context, *parts)
        for parts in zip(finished, predicates, indexed, issues, strict=True)
    ]


async def check_integrity(
    engine: Engine, context: Context, drafts: Sequence[Draft], records: Records
) -> None:
    """Raises 422 for local references to nothing, where the operator asks for that."""
    if engine.rules.referential_integrity:
        faults = await dangling(engine, context, drafts, records)
        if faults:
            raise unprocessable(faults)


async def write(
    engine: Engine, context: Context, prepared: Sequence[Prepared], records: Records
) -> list[Answer]:
    """Hands prepared drafts to the store, and tells the audit hook of each version."""
    written = await records.write(context, [each.change for each in prepared])
    answers: list[Answer] = []
    for each, version in zip(prepared, written, strict=True):
        answer = _answer(each, version)
        draft = each.draft
        if version.changed:
            engine.audit(
                Event(
                    context,
                    _AUDITED[draft.method],
                    answer.status,
                    draft.type,
                    draft.id,
                    version.vid,
                )
            )
        answers.append(answer)
    return answers


def with_meta(resource: Json, id: str, now: datetime) -> Json:
    """The resource with the id and meta that the server sets, in the order of the definitions.

    All else of meta stays as submitted: servers SHOULD refrain from altering it.
    """
    meta: object = resource.get("meta", {})
    if not isinstance(meta, dict):
        raise invalid(f"{resource['resourceType']}.meta", "meta must be an object")
    ours: Json = {"versionId": _VERSION, "lastUpdated": instant(now)}
    own: Json = {**ours, **cast("Json", meta), **ours} if meta else ours
    # A name keeps the place where it stands first and the value that it is given last.
    finished: Json = {"resourceType": None, "id": None, "meta": None, **resource}
    finished["id"] = id
    finished["meta"] = own
    return finished


def _validated(engine: Engine, context: Context, draft: Draft) -> tuple[Issue, ...]:
    if draft.resource is None:
        return ()
    issues = engine.validate(draft.resource, context).issues
    if not draft.where:
        return issues
    return tuple(_relocated(issue, draft) for issue in issues)


def _relocated(issue: Issue, draft: Draft) -> Issue:
    place = issue.expression.removeprefix(draft.type)
    return Issue(issue.code, issue.diagnostics, draft.where + place, issue.severity)


def _finished(draft: Draft, context: Context) -> Draft:
    if draft.resource is None:
        return draft
    resource = with_meta(draft.resource, draft.id, context.now)
    return msgspec.structs.replace(draft, resource=resource)


async def _rows(
    engine: Engine, context: Context, draft: Draft, drafts: Sequence[Draft], records: Records
) -> IndexRows | None:
    if draft.resource is None:
        return None
    rows = engine.indexer.rows(draft.resource)
    if draft.type == BINARY:
        among = {(each.type, each.id): each.resource for each in drafts}
        rows.pats = await patients_of(engine, context, draft.resource, among, records)
    admit(engine, context, draft.type, rows)
    return rows


def _prepared(
    engine: Engine,
    context: Context,
    draft: Draft,
    predicate: Predicate,
    rows: IndexRows | None,
    issues: tuple[Issue, ...],
) -> Prepared:
    resource, type = draft.resource, draft.type
    if resource is None:
        deletion = Change(
            type=type,
            id=draft.id,
            method="DELETE",
            head="",
            tail="",
            raw=False,
            index=None,
            expect=draft.expect,
            visible=predicate,
        )
        return Prepared(draft, deletion, deletion, issues)
    head, tail, raw = _text(resource, context.now)
    change = Change(type, draft.id, draft.method, head, tail, raw, rows, draft.expect, predicate)
    if not engine.seal.touches(type):
        return Prepared(draft, change, change, issues)
    head, tail, raw = _text(engine.seal.seal(resource, context), context.now)
    return Prepared(draft, replace(change, head=head, tail=tail, raw=raw), change, issues)


def _text(resource: Json, now: datetime) -> tuple[str, str, bool]:
    """The text before and after what the store fills in, and whether JSONB would rewrite it."""
    encoded = encode(resource)
    before, cut, after = encoded.decode().partition(
        f'"versionId":"{_VERSION}","lastUpdated":"{instant(now)}'
    )
    if not cut:
        raise AssertionError("meta must begin with versionId and lastUpdated")
    return before + '"versionId":"', after, not survives_jsonb(encoded)


def _answer(each: Prepared, written: Written) -> Answer:
    draft = each.draft
    lives = draft.resource is not None
    text = each.answer.text(written.vid, written.updated)
    status = 201 if written.created else 200
    return Answer(
        status=status if lives else 204,
        body=text.encode() if lives else None,
        type=draft.type,
        id=draft.id,
        vid=written.vid,
        updated=written.updated,
        location=lives,
        issues=each.issues,
    )
