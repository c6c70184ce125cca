"""The syntax tree of a FHIRPath expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Literal as OneOf

if TYPE_CHECKING:
    from decimal import Decimal

LiteralKind = OneOf["boolean", "string", "number", "date", "dateTime", "time", "quantity"]


@dataclass(frozen=True, slots=True)
class Empty:
    """The empty collection, {}."""

    position: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal; dates and times keep their text, a quantity is its number and ``unit``."""

    kind: LiteralKind
    value: bool | str | int | Decimal
    position: int
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Variable:
    """%name."""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Special:
    """One of $this, $index, $total."""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Member:
    """An element name, or at the start of a path a type name."""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function call."""

    name: str
    arguments: tuple[Syntax, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Invoke:
    """base.step."""

    base: Syntax
    step: Member | Call | Special
    position: int


@dataclass(frozen=True, slots=True)
class Index:
    """base[index]."""

    base: Syntax
    index: Syntax
    position: int


@dataclass(frozen=True, slots=True)
class Unary:
    """+ or - before an operand."""

    operator: str
    operand: Syntax
    position: int


@dataclass(frozen=True, slots=True)
class Binary:
    """left operator right."""

    operator: str
    left: Syntax
    right: Syntax
    position: int


@dataclass(frozen=True, slots=True)
class TypeOperation:
    """``operand is type`` or ``operand as type``; the type as written, with its namespace."""

    operator: str
    operand: Syntax
    type: str
    position: int


Syntax = (
    Empty
    | Literal
    | Variable
    | Special
    | Member
    | Call
    | Invoke
    | Index
    | Unary
    | Binary
    | TypeOperation
)


def type_name(syntax: Syntax) -> str | None:
    """The type that an argument names (Quantity, FHIR.Patient); None if it names none."""
    if isinstance(syntax, Member):
        return syntax.name
    if (
        isinstance(syntax, Invoke)
        and isinstance(syntax.base, Member)
        and isinstance(syntax.step, Member)
    ):
        return f"{syntax.base.name}.{syntax.step.name}"
    return None


def operands(syntax: Syntax) -> tuple[Syntax, ...]:
    """What a node of the tree consists of."""
    match syntax:
        case Call():
            return syntax.arguments
        case Invoke():
            return (syntax.base, syntax.step)
        case Index():
            return (syntax.base, syntax.index)
        case Unary() | TypeOperation():
            return (syntax.operand,)
        case Binary():
            return (syntax.left, syntax.right)
        case _:
            return ()
