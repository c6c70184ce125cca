"""From the parameters of a search to a SearchRequest, or to an error that names the parameter.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from fhir_server.r4.outcome import FhirError, Issue, invalid, unknown_parameter
from fhir_server.search.escapes import split
from fhir_server.search.kind import Criterion
from fhir_server.search.types.table import TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from fhir_server.search.catalog import Catalog
    from fhir_server.search.kind import Modifier, Reading
    from fhir_server.search.parameters import Parameter, Registry

Total = Literal["none", "estimate", "accurate"]
Summary = Literal["true", "text", "data", "count", "false"]

MAX_CRITERIA = 64
MAX_VALUES = 500
MAX_SORT_KEYS = 8

# Answered by whoever renders the response; a search neither reads nor refuses them.
_OF_HTTP = frozenset({"_format", "_pretty", "_elements"})
# Of search.html, but not served yet: docs/search.md.
_LATER = frozenset(
    {
        "_contained", "_containedType", "_content", "_filter", "_include", "_list", "_query",
        "_revinclude", "_score", "_text", "_type", "near",
    }
)  # fmt: skip
_TOTALS = ("none", "estimate", "accurate")
_SUMMARIES = ("true", "text", "data", "count", "false")


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of ``_sort``."""

    parameter: Parameter
    descending: bool


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search on one resource type; all ``criteria`` must hold.

    ``count``    resources on a page, None where the client leaves it to us
    ``summary``  as asked for; "count" also where ``_count=0`` says the same
    ``text``     criteria and sort in an order of their own: equal for equal searches
    ``used``     the parameters that were understood, in order, for the self link
    """

    type: str
    criteria: tuple[Criterion, ...] = ()
    sort: tuple[Sort, ...] = ()
    count: int | None = None
    total: Total | None = None
    summary: Summary | None = None
    text: str = ""
    used: tuple[tuple[str, str], ...] = ()
    warnings: tuple[Issue, ...] = ()


def searchable(registry: Registry, type: str) -> dict[str, Parameter]:
    """The parameters of a type that a search can name; others are indexed, but not yet served."""
    return {code: p for code, p in registry.of(type).items() if _is_served(p)}


def _is_served(parameter: Parameter) -> bool:
    return set(TYPES[parameter.kind].modifiers) != {"missing"}


def parse(
    catalog: Catalog,
    type: str,
    parameters: Iterable[tuple[str, str]],
    now: datetime,
    *,
    lenient: bool = False,
) -> SearchRequest:
    """The request that decoded parameters make.

    400 for a value or modifier that cannot be read; for an unknown parameter too, unless
    ``lenient``: then it becomes a warning.
    """
    parser = _Parser(catalog, type, catalog.reading(now))
    for name, value in parameters:
        if value == "":
            continue
        try:
            parser.take(name, value)
        except _UnknownError as error:
            if not lenient:
                raise error.as_refusal() from None
            parser.warnings.append(error.as_warning())
    return parser.request()


class _UnknownError(Exception):
    """A parameter that this server does not know."""

    def as_refusal(self) -> FhirError:
        return unknown_parameter(str(self))

    def as_warning(self) -> Issue:
        return Issue("not-supported", f"{self}. It was ignored", severity="warning")


class _Parser:
    """One request being put together."""

    def __init__(self, catalog: Catalog, type: str, reading: Reading) -> None:
        self._type = type
        self._reading = reading
        self._registry = catalog.registry
        self._criteria: list[Criterion] = []
        self._sort: tuple[Sort, ...] = ()
        self._once: dict[str, str] = {}
        self._used: list[tuple[str, str]] = []
        self.warnings: list[Issue] = []

    def take(self, name: str, value: str) -> None:
        """One parameter."""
        if name in _RESULT:
            self._take_once(name, value)
        elif name not in _OF_HTTP:
            if len(self._criteria) == MAX_CRITERIA:
                raise too_many(f"A search has at most {MAX_CRITERIA} parameters")
            criterion = self._criterion(name, value)
            if criterion is None:
                return
            self._criteria.append(criterion)
        self._used.append((name, value))

    def request(self) -> SearchRequest:
        """What was put together."""
        count = self._count()
        summary = cast("Summary | None", self._choice("_summary", _SUMMARIES))
        kept = sorted(pair for pair in self._used if pair[0] not in _OF_HTTP)
        shaping = [f"{n}={v}" for n, v in kept if n not in _RESULT or n == "_sort"]
        return SearchRequest(
            type=self._type,
            criteria=tuple(self._criteria),
            sort=self._sort,
            count=count,
            total=cast("Total | None", self._choice("_total", _TOTALS)),
            summary="count" if count == 0 else summary,
            text="&".join(shaping),
            used=tuple(self._used),
            warnings=tuple(self.warnings),
        )

    def _take_once(self, name: str, value: str) -> None:
        if name in self._once:
            raise invalid(f"http.{name}", f"Parameter {name!r} is given more than once")
        if name == "_sort":
            self._sort = self._sort_keys(value)
        self._once[name] = value

    def _criterion(self, name: str, value: str) -> Criterion | None:
        code, colon, modifier = name.partition(":")
        if code == "_has" or "." in name:
            raise FhirError(
                400,
                [Issue("not-supported", f"Parameter {name!r}: chained searches are not supported")],
            )
        parameter = self._parameter(code)
        target = modifier if modifier in self._reading.types else ""
        how = self._modifier(parameter, modifier if colon else "", target)
        texts = [text for text in split(value, ",") if text]
        if len(texts) > MAX_VALUES:
            raise too_many(f"Parameter {name!r} has more than {MAX_VALUES} values")
        values = tuple(self._value(how, parameter, modifier, name, text) for text in texts)
        return Criterion(parameter, modifier, values, target) if values else None

    def _parameter(self, code: str) -> Parameter:
        found = self._registry.of(self._type).get(code)
        if found is None or not _is_served(found):
            if code in _LATER:
                raise _UnknownError(f"Parameter {code!r} is not supported by this version")
            known = ", ".join(searchable(self._registry, self._type))
            raise _UnknownError(
                f"Parameter {code[:100]!r} is not known for {self._type}. Known are: {known}"
            )
        return found

    def _modifier(self, parameter: Parameter, modifier: str, target: str) -> Modifier:
        kind = TYPES[parameter.kind]
        found = kind.by_type if target else kind.modifiers.get(modifier)
        if found is None:
            names = ", ".join(f":{name}" for name in kind.modifiers if name) or "none"
            asked = f":{modifier[:100]}" if modifier else "a search without modifier"
            raise unknown_parameter(
                f"Parameter {parameter.code!r} ({parameter.kind}) does not support {asked}; "
                f"supported modifiers: {names}"
            )
        return found

    def _value(
        self, how: Modifier, parameter: Parameter, modifier: str, name: str, text: str
    ) -> object:
        try:
            return how.read(parameter, modifier, text, self._reading)
        except ValueError as error:
            raise invalid(f"http.{name}", f"Parameter {name!r}: {text[:200]!r} {error}") from None

    def _sort_keys(self, value: str) -> tuple[Sort, ...]:
        names = [name for name in value.split(",") if name]
        if len(names) > MAX_SORT_KEYS:
            raise too_many(f"_sort takes at most {MAX_SORT_KEYS} keys")
        keys = [self._sort_key(name) for name in names]
        codes = [key.parameter.code for key in keys]
        if len(set(codes)) < len(codes):
            raise invalid("http._sort", "_sort names a parameter more than once")
        return tuple(keys)

    def _sort_key(self, name: str) -> Sort:
        parameter = self._parameter(name.removeprefix("-"))
        if TYPES[parameter.kind].sort is None:
            raise unknown_parameter(
                f"Parameter '_sort': {parameter.code!r} ({parameter.kind}) cannot be sorted by"
            )
        return Sort(parameter, name.startswith("-"))

    def _count(self) -> int | None:
        text = self._once.get("_count")
        if text is None:
            return None
        if not (text.isascii() and text.isdecimal() and len(text) < 10):
            raise invalid("http._count", f"Parameter '_count': {text[:100]!r} is not a number ≥ 0")
        return int(text)

    def _choice(self, name: str, choices: tuple[str, ...]) -> str | None:
        text = self._once.get(name)
        if text is not None and text not in choices:
            raise invalid(
                f"http.{name}",
                f"Parameter {name!r}: {text[:100]!r} is none of {', '.join(choices)}",
            )
        return text


_RESULT = frozenset({"_count", "_sort", "_total", "_summary"})


def too_many(text: str) -> FhirError:
    """400: a documented limit; see docs/search.md."""
    return FhirError(400, [Issue("too-costly", text)])
