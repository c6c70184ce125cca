"""Syntax trees to Python closures. https://hl7.org/fhirpath/N1."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fhir_server.r4.definitions import definitions
from fhir_server.r4.fhirpath import syntax
from fhir_server.r4.fhirpath.errors import FhirPathError
from fhir_server.r4.fhirpath.functions.table import FUNCTIONS
from fhir_server.r4.fhirpath.node import (
    EMPTY,
    FALSE,
    TRUE,
    Node,
    Nodes,
    add_children,
    boolean,
    members,
    number,
    string,
)
from fhir_server.r4.fhirpath.operators import OPERATORS
from fhir_server.r4.fhirpath.types import is_a, kind, resolve_type
from fhir_server.r4.fhirpath.values import (
    UCUM,
    decimal,
    integer,
    quantity,
    quantity_node,
    single,
    truth,
)

if TYPE_CHECKING:
    from fhir_server.r4.fhirpath.scope import Evaluate, Scope

# What follows a dot: from the focus before it to what comes after.
Invocation = Callable[[Nodes, "Scope"], Nodes]

_LITERAL_TYPES = {
    "string": "System.String",
    "date": "System.Date",
    "dateTime": "System.DateTime",
    "time": "System.Time",
}
# https://hl7.org/fhir/R4/fhirpath.html#variables
_CONSTANTS = {
    "ucum": UCUM,
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}
_SETS = {"vs-": "http://hl7.org/fhir/ValueSet/", "ext-": "http://hl7.org/fhir/StructureDefinition/"}


def closure(tree: syntax.Syntax) -> Evaluate:
    """The evaluation of a tree; FhirPathError for unknown functions and types."""
    return _CLOSURES[type(tree)](tree)


def _constant(tree: syntax.Empty | syntax.Literal) -> Evaluate:
    found = EMPTY if isinstance(tree, syntax.Empty) else _literal(tree)
    return lambda _: found


def _literal(tree: syntax.Literal) -> Nodes:
    value: Any = tree.value
    if tree.kind == "boolean":
        return TRUE if value else FALSE
    if tree.kind == "number":
        return (number(value),)
    if tree.kind == "quantity":
        if tree.unit.startswith("'"):
            return (quantity_node(value, tree.unit[1:-1], UCUM),)
        return (quantity_node(value, tree.unit, None),)
    type_ = _LITERAL_TYPES[tree.kind]
    return (Node(value, type_, type_),)


def _variable(tree: syntax.Variable) -> Evaluate:
    name = tree.name
    if name == "resource":
        return lambda scope: (scope.run.resource,)
    if name == "rootResource":
        return lambda scope: (scope.run.root,)
    if name == "context":
        return lambda scope: (scope.run.context,)
    constant = _CONSTANTS.get(name)
    for prefix, base in _SETS.items():
        if name.startswith(prefix):
            constant = base + name.removeprefix(prefix)
    if constant is not None:
        found = (string(constant),)
        return lambda _: found

    def given(scope: Scope) -> Nodes:
        if name not in scope.run.variables:
            raise FhirPathError(f"%{name} is not defined", tree.position)
        return scope.run.variables[name]

    return given


def _start(tree: syntax.Member) -> Evaluate:
    """A name at the start of a path: the type of $this, or one of its elements."""
    name = tree.name
    select = _member(name)
    if name not in definitions().types:
        return lambda scope: select(scope.this, scope)

    def start(scope: Scope) -> Nodes:
        focus = scope.this
        if len(focus) == 1 and is_a(focus[0].type, name):
            return focus
        return select(focus, scope)

    return start


def _member(name: str) -> Invocation:
    def select(focus: Nodes, _: Scope) -> Nodes:
        found: list[Node] = []
        for node in focus:
            steps = members(node.path).get(name)
            if steps is not None:
                add_children(node, steps, found)
        return found

    return select


def _special(tree: syntax.Special) -> Evaluate:
    match tree.name:
        case "this":
            return lambda scope: scope.this
        case "index":
            return lambda scope: (number(scope.index),)
        case _:
            return lambda scope: scope.total


def _chain(tree: syntax.Invoke) -> Evaluate:
    """base.step.step…, in a loop instead of one call inside the other."""
    steps: list[Invocation] = []
    base: syntax.Syntax = tree
    while isinstance(base, syntax.Invoke):
        steps.append(_invocation(base.step))
        base = base.base
    start = closure(base)
    steps.reverse()

    def evaluate(scope: Scope) -> Nodes:
        focus = start(scope)
        for step in steps:
            focus = step(focus, scope)
        return focus

    return evaluate


def _invocation(step: syntax.Member | syntax.Call | syntax.Special) -> Invocation:
    match step:
        case syntax.Member():
            return _member(step.name)
        case syntax.Call():
            return _call(step)
        case syntax.Special("this"):
            return lambda focus, _: focus
        case syntax.Special():
            special = _special(step)
            return lambda _, scope: special(scope)


def _call_on_this(call: syntax.Call) -> Evaluate:
    invoke = _call(call)
    return lambda scope: invoke(scope.this, scope)


def _call(call: syntax.Call) -> Invocation:
    function = FUNCTIONS.get(call.name)
    if function is None:
        raise FhirPathError(f"there is no function {call.name}()", call.position)
    if not function.takes(len(call.arguments)):
        raise FhirPathError(
            f"{call.name}() does not take {len(call.arguments)} arguments", call.position
        )
    kinds = function.parameters[: len(call.arguments)]
    values: list[tuple[int, Evaluate]] = []
    arguments: list[Any] = []
    for index, (of, argument) in enumerate(zip(kinds, call.arguments, strict=True)):
        if of == "type":
            arguments.append(_type_argument(argument))
            continue
        evaluate = closure(argument)
        arguments.append(evaluate)
        if of == "value":
            values.append((index, evaluate))
    return _invoked(function.implement, arguments, values, call.position)


def _invoked(
    implement: Callable[..., Nodes],
    arguments: list[Any],
    values: list[tuple[int, Evaluate]],
    position: int,
) -> Invocation:
    def invoke(focus: Nodes, scope: Scope) -> Nodes:
        given = arguments
        if values:
            given = list(arguments)
            for index, evaluate in values:
                given[index] = evaluate(scope)
        try:
            return implement(focus, scope, *given)
        except FhirPathError as error:
            raise _placed(error, position) from None

    return invoke


def _type_argument(argument: syntax.Syntax) -> str:
    name = syntax.type_name(argument)
    if name is None:
        raise FhirPathError("expected the name of a type", argument.position)
    return resolve_type(name, argument.position)


def _index(tree: syntax.Index) -> Evaluate:
    base, index = closure(tree.base), closure(tree.index)

    def evaluate(scope: Scope) -> Nodes:
        focus, at = base(scope), integer(index(scope))
        return focus[at : at + 1] if at is not None and at >= 0 else EMPTY

    return evaluate


def _unary(tree: syntax.Unary) -> Evaluate:
    operand = closure(tree.operand)
    sign = -1 if tree.operator == "-" else 1

    def evaluate(scope: Scope) -> Nodes:
        nodes = operand(scope)
        node = single(nodes)
        if node is not None and kind(node.type) == "quantity":
            amount = quantity(node)
            if amount is None:
                return EMPTY
            return (quantity_node(amount.value * sign, amount.unit, amount.system),)
        try:
            value = decimal(nodes)
        except FhirPathError as error:
            raise _placed(error, tree.position) from None
        return EMPTY if value is None else (number(value * sign),)

    return evaluate


def _binary(tree: syntax.Binary) -> Evaluate:
    left, right = closure(tree.left), closure(tree.right)
    operate = OPERATORS[tree.operator]
    decided = _DECIDED_BY_LEFT.get(tree.operator)

    def evaluate(scope: Scope) -> Nodes:
        try:
            first = left(scope)
            if decided is not None and truth(first) is decided[0]:
                return decided[1]
            return operate(first, right(scope))
        except FhirPathError as error:
            raise _placed(error, tree.position) from None

    return evaluate


# Operator to the left value that settles it, and the result.
_DECIDED_BY_LEFT = {
    "and": (False, FALSE),
    "or": (True, TRUE),
    "implies": (False, TRUE),
}


def _type_operation(tree: syntax.TypeOperation) -> Evaluate:
    operand = closure(tree.operand)
    type_ = resolve_type(tree.type, tree.position)

    def is_(scope: Scope) -> Nodes:
        try:
            node = single(operand(scope))
        except FhirPathError as error:
            raise _placed(error, tree.position) from None
        return EMPTY if node is None else boolean(is_a(node.type, type_))

    def as_(scope: Scope) -> Nodes:
        # On collections too: 19 search parameters of R4 ask for that.
        return [node for node in operand(scope) if is_a(node.type, type_)]

    return is_ if tree.operator == "is" else as_


def _placed(error: FhirPathError, position: int) -> FhirPathError:
    """The error at the innermost place that is known."""
    return error if error.position else FhirPathError(error.message, position)


def variable(value: Any) -> Nodes:
    """A value that a caller gives for a %variable."""
    if isinstance(value, Node):
        return (value,)
    if isinstance(value, bool):
        return boolean(value)
    if isinstance(value, (int, Decimal)):
        return (number(value),)
    return (string(str(value)),)


_CLOSURES: dict[type, Callable[[Any], Evaluate]] = {
    syntax.Empty: _constant,
    syntax.Literal: _constant,
    syntax.Variable: _variable,
    syntax.Member: _start,
    syntax.Special: _special,
    syntax.Call: _call_on_this,
    syntax.Invoke: _chain,
    syntax.Index: _index,
    syntax.Unary: _unary,
    syntax.Binary: _binary,
    syntax.TypeOperation: _type_operation,
}
