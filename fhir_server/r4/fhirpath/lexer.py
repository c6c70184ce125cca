"""FHIRPath text to tokens. https://hl7.org/fhirpath/N1/grammar.html."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, cast

from fhir_server.r4.fhirpath.errors import FhirPathError

Kind = Literal[
    "identifier", "delimited", "string", "number", "date", "dateTime", "time",
    "variable", "special", "symbol", "end",
]  # fmt: skip

MAX_LENGTH = 50_000

_DATE = r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?"
_ZONE = r"Z|[+-][0-9]{2}:[0-9]{2}"
_TIME = r"[0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?"
_TOKEN = re.compile(
    rf"""
    (?P<skip>\s+|//[^\r\n]*|/\*.*?\*/)
  | (?P<time>@T{_TIME})
  | (?P<dateTime>@{_DATE}T(?:{_TIME}(?:{_ZONE})?)?)
  | (?P<date>@{_DATE})
  | (?P<number>[0-9]+(?:\.[0-9]+)?)
  | (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<delimited>`(?:[^`\\]|\\.)*`)
  | (?P<variable>%(?:[A-Za-z_][A-Za-z0-9_\-]*|`(?:[^`\\]|\\.)*`|'(?:[^'\\]|\\.)*'))
  | (?P<special>\$(?:this|index|total)\b)
  | (?P<identifier>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<symbol><=|>=|!=|!~|[-+*/&|=~<>.,()\[\]{{}}])
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {
    "'": "'", '"': '"', "`": "`", "\\": "\\", "/": "/",
    "r": "\r", "n": "\n", "t": "\t", "f": "\f",
}  # fmt: skip


class Token(NamedTuple):
    """``text`` is without quotes, escapes, "@", "%" and "$"."""

    kind: Kind
    text: str
    position: int


def tokens(expression: str) -> list[Token]:
    """The tokens of an expression, an "end" token last."""
    if len(expression) > MAX_LENGTH:
        raise FhirPathError(f"an expression may have {MAX_LENGTH} characters at most")
    found: list[Token] = []
    position = 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None:
            raise FhirPathError(f"unexpected {expression[position]!r}", position)
        kind = match.lastgroup
        if kind != "skip":
            found.append(_token(kind, match[0], position))
        position = match.end()
    return [*found, Token("end", "", len(expression))]


def _token(kind: str | None, text: str, position: int) -> Token:
    match kind:
        case "string" | "delimited":
            text = _unescape(text[1:-1], position)
        case "variable":
            text = _unescape(text[1:].strip("`'"), position)
        case "special" | "date":
            text = text[1:]
        case "time":
            text = text[2:]
        case "dateTime":
            # "@2015T" is the year as a dateTime.
            text = text[1:].removesuffix("T")
        case _:
            pass
    return Token(cast("Kind", kind), text, position)


def _unescape(text: str, position: int) -> str:
    def replace(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) == 5:
            return chr(int(code[1:], 16))
        if code not in _ESCAPED:
            raise FhirPathError(f"unknown escape \\{code}", position)
        return _ESCAPED[code]

    return _ESCAPE.sub(replace, text) if "\\" in text else text
