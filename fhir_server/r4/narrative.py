"""What may stand in a narrative's div. https://hl7.org/fhir/R4/narrative.html#xhtml."""

from __future__ import annotations

import re
from html.entities import html5
from xml.parsers import expat

XHTML = "http://www.w3.org/1999/xhtml"

_ELEMENTS = frozenset({
    "a", "abbr", "acronym", "b", "big", "blockquote", "br", "caption", "cite", "code", "col",
    "colgroup", "dd", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    "i", "img", "li", "ol", "p", "pre", "q", "samp", "small", "span", "strong", "sub", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "ul", "var",
})  # fmt: skip
_ATTRIBUTES = frozenset({
    "abbr", "accesskey", "align", "alt", "axis", "bgcolor", "border", "cellhalign", "cellpadding",
    "cellspacing", "cellvalign", "char", "charoff", "charset", "cite", "class", "colspan",
    "compact", "coords", "dir", "frame", "headers", "height", "href", "hreflang", "hspace", "id",
    "lang", "longdesc", "name", "nowrap", "rel", "rev", "rowspan", "rules", "scope", "shape",
    "span", "src", "start", "style", "summary", "tabindex", "title", "type", "valign", "value",
    "vspace", "width",
})  # fmt: skip
_XML_ATTRIBUTES = "http://www.w3.org/XML/1998/namespace "
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_OF_XML = frozenset({"amp", "lt", "gt", "quot", "apos"})
_SCRIPT = re.compile(r"[\s\x00-\x20]*(?:javascript|vbscript|data:text/html)", re.IGNORECASE)


def fault(div: str) -> str | None:
    """What the narrative rules (txt-1, txt-2) refuse, None if nothing."""
    if "<!DOCTYPE" in div or "<!ENTITY" in div:
        return "a document type declaration is not allowed"
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = reader.start
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(_ENTITY.sub(_character, div).encode(), True)  # noqa: FBT003
    except expat.ExpatError as error:
        return f"not well-formed XHTML: {error}"
    if reader.fault is None and not reader.content:
        return "no content but white space"
    return reader.fault


def _character(match: re.Match[str]) -> str:
    """XHTML knows HTML's named characters, XML alone does not."""
    name = match[1]
    return match[0] if name in _OF_XML else html5.get(name + ";", match[0])


class _Reader:
    """Collects the first fault, and whether there is any content."""

    def __init__(self) -> None:
        self.fault: str | None = None
        self.content = False
        self._first = True

    def start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if self._first and (namespace, local) != (XHTML, "div"):
            self._found(f"the root must be a div of {XHTML}")
        self._first = False
        if namespace != XHTML or local not in _ELEMENTS:
            self._found(f"the element {local} is not allowed")
        if local == "img" and "src" in attributes:
            self.content = True
        for attribute, value in attributes.items():
            self._attribute(attribute, value)

    def _attribute(self, name: str, value: str) -> None:
        if name not in _ATTRIBUTES and not name.startswith(_XML_ATTRIBUTES):
            self._found(f"the attribute {name} is not allowed")
        if name in {"href", "src", "cite", "longdesc"} and _SCRIPT.match(value):
            self._found(f"a script in {name} is not allowed")

    def text(self, data: str) -> None:
        if not self.content and not data.isspace():
            self.content = True

    def _found(self, text: str) -> None:
        self.fault = self.fault or text
