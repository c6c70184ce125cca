r"""Splitting values of search parameters at ``,`` ``|`` ``$`` where no backslash stands before.

https://hl7.org/fhir/R4/search.html#escaping
"""

from __future__ import annotations

import re

_ESCAPED = re.compile(r"\\([,|$\\])")


def split(text: str, separator: str) -> list[str]:
    """The pieces, still escaped."""
    if separator not in text:
        return [text]
    if "\\" not in text:
        return text.split(separator)
    pieces = [""]
    position = 0
    while position < len(text):
        length = 2 if text[position] == "\\" else 1
        piece = text[position : position + length]
        if piece == separator:
            pieces.append("")
        else:
            pieces[-1] += piece
        position += length
    return pieces


def unescape(text: str) -> str:
    r"""The piece itself: ``\,`` is a comma; any other backslash stands for itself."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text
