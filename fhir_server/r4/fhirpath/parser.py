"""FHIRPath tokens to a syntax tree. https://hl7.org/fhirpath/N1/grammar.html."""

from __future__ import annotations

from decimal import Decimal

from fhir_server.r4.fhirpath import syntax
from fhir_server.r4.fhirpath.errors import FhirPathError
from fhir_server.r4.fhirpath.lexer import Token, tokens

# Trees deeper than this would run into Python's recursion limit when evaluated.
MAX_DEPTH = 150
MAX_NESTING = 50

# Binding strength of the binary operators: https://hl7.org/fhirpath/N1/#operator-precedence
_STRENGTH = {
    "implies": 1,
    "or": 2, "xor": 2,
    "and": 3,
    "in": 4, "contains": 4,
    "=": 5, "~": 5, "!=": 5, "!~": 5,
    "<": 6, ">": 6, "<=": 6, ">=": 6,
    "|": 7,
    "is": 8, "as": 8,
    "+": 9, "-": 9, "&": 9,
    "*": 10, "/": 10, "div": 10, "mod": 10,
}  # fmt: skip
_CALENDAR = frozenset({
    "year", "years", "month", "months", "week", "weeks", "day", "days", "hour", "hours",
    "minute", "minutes", "second", "seconds", "millisecond", "milliseconds",
})  # fmt: skip
# Words that are operators elsewhere but may name an element (ValueSet.expansion.contains).
_NAMES = frozenset({"as", "contains", "in", "is"})
_OPERATOR_WORDS = frozenset({"div", "mod", "and", "or", "xor", "implies"})


def parse(expression: str) -> syntax.Syntax:
    """The tree of an expression; FhirPathError where it is not one."""
    parser = _Parser(tokens(expression))
    tree = parser.expression(0)
    parser.end()
    if _depth(tree) > MAX_DEPTH:
        raise FhirPathError(f"more than {MAX_DEPTH} operations inside each other")
    return tree


class _Parser:
    """Precedence climbing over the tokens."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._next = 0
        self._nesting = 0

    def expression(self, strength: int) -> syntax.Syntax:
        left = self._unary()
        while True:
            operator = self._peek()
            binding = _STRENGTH.get(operator.text, 0) if _may_operate(operator) else 0
            if binding <= strength:
                return left
            self._take()
            position = operator.position
            if operator.text in {"is", "as"}:
                type_ = self._type_specifier()
                left = syntax.TypeOperation(operator.text, left, type_, position)
            else:
                right = self.expression(binding)
                left = syntax.Binary(operator.text, left, right, position)

    def end(self) -> None:
        token = self._peek()
        if token.kind != "end":
            raise FhirPathError(f"unexpected {token.text!r}", token.position)

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _at(self, symbol: str) -> bool:
        token = self._peek()
        return token.kind == "symbol" and token.text == symbol

    def _expect(self, symbol: str) -> None:
        token = self._take()
        if token.kind != "symbol" or token.text != symbol:
            found = "the end" if token.kind == "end" else repr(token.text)
            raise FhirPathError(f"expected {symbol!r}, found {found}", token.position)

    def _unary(self) -> syntax.Syntax:
        signs: list[Token] = []
        while self._at("-") or self._at("+"):
            signs.append(self._take())
        tree = self._path()
        for sign in reversed(signs):
            tree = syntax.Unary(sign.text, tree, sign.position)
        return tree

    def _path(self) -> syntax.Syntax:
        tree = self._term()
        while True:
            token = self._peek()
            if self._at("."):
                self._take()
                tree = syntax.Invoke(tree, self._invocation(), token.position)
            elif self._at("["):
                self._take()
                index = self._nested()
                self._expect("]")
                tree = syntax.Index(tree, index, token.position)
            else:
                return tree

    def _nested(self) -> syntax.Syntax:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise FhirPathError(
                f"more than {MAX_NESTING} brackets inside each other", self._peek().position
            )
        tree = self.expression(0)
        self._nesting -= 1
        return tree

    def _term(self) -> syntax.Syntax:
        token = self._peek()
        if self._at("("):
            self._take()
            tree = self._nested()
            self._expect(")")
            return tree
        if self._at("{"):
            self._take()
            self._expect("}")
            return syntax.Empty(token.position)
        if token.kind == "variable":
            self._take()
            return syntax.Variable(token.text, token.position)
        return self._literal() or self._invocation()

    def _literal(self) -> syntax.Literal | None:
        token = self._peek()
        match token.kind:
            case "number":
                return self._number()
            case "string" | "date" | "dateTime" | "time":
                self._take()
                return syntax.Literal(token.kind, token.text, token.position)
            case "identifier" if token.text in {"true", "false"}:
                self._take()
                return syntax.Literal("boolean", token.text == "true", token.position)
            case _:
                return None

    def _number(self) -> syntax.Literal:
        token = self._take()
        value = Decimal(token.text) if "." in token.text else int(token.text)
        unit = self._peek()
        if unit.kind == "string" or (unit.kind == "identifier" and unit.text in _CALENDAR):
            self._take()
            # A calendar word and the UCUM code of the same name differ: keep the quotes apart.
            text = f"'{unit.text}'" if unit.kind == "string" else unit.text
            return syntax.Literal("quantity", Decimal(value), token.position, text)
        return syntax.Literal("number", value, token.position)

    def _invocation(self) -> syntax.Member | syntax.Call | syntax.Special:
        token = self._take()
        if token.kind == "special":
            return syntax.Special(token.text, token.position)
        if not _may_name(token):
            found = "the end" if token.kind == "end" else repr(token.text)
            raise FhirPathError(f"expected a name, found {found}", token.position)
        if self._at("("):
            return syntax.Call(token.text, self._arguments(), token.position)
        return syntax.Member(token.text, token.position)

    def _arguments(self) -> tuple[syntax.Syntax, ...]:
        self._expect("(")
        found: list[syntax.Syntax] = []
        while not self._at(")"):
            if found:
                self._expect(",")
            found.append(self._nested())
        self._expect(")")
        return tuple(found)

    def _type_specifier(self) -> str:
        parts: list[str] = []
        bracketed = self._at("(")
        if bracketed:
            self._take()
        while not parts or self._at("."):
            if parts:
                self._take()
            token = self._take()
            if token.kind not in {"identifier", "delimited"}:
                raise FhirPathError("expected the name of a type", token.position)
            parts.append(token.text)
        if bracketed:
            self._expect(")")
        return ".".join(parts)


def _may_operate(token: Token) -> bool:
    return token.kind in {"symbol", "identifier"}


def _may_name(token: Token) -> bool:
    if token.kind == "delimited":
        return True
    return token.kind == "identifier" and (
        token.text in _NAMES or token.text not in _OPERATOR_WORDS
    )


def _depth(tree: syntax.Syntax) -> int:
    """How deep the tree is; counted without recursion."""
    deepest = 0
    open_: list[tuple[syntax.Syntax, int]] = [(tree, 1)]
    while open_:
        node, depth = open_.pop()
        deepest = max(deepest, depth)
        open_.extend((operand, depth + 1) for operand in syntax.operands(node))
    return deepest
