"""OPTIONS, and methods that an address does not have.

https://www.rfc-editor.org/rfc/rfc9110#section-9.3.7
"""

from __future__ import annotations

from fhir_server.interactions.address import METADATA, Address
from fhir_server.interactions.table import BY_ADDRESS, methods
from fhir_server.operations.table import SHAPES
from fhir_server.r4.outcome import method_not_allowed
from fhir_server.rest.respond import Response

_METADATA = ("GET", "HEAD", "OPTIONS")
_OPERATION = ("GET", "HEAD", "POST", "OPTIONS")


def allowed(address: Address) -> tuple[str, ...]:
    """The methods that an address has."""
    if address.shape == METADATA:
        return _METADATA
    return _OPERATION if address.shape in SHAPES else methods(address.shape, address.type)


def check_method(address: Address, method: str) -> None:
    """Raises 405 with Allow, before a body is read."""
    row = BY_ADDRESS.get((method, address.shape))
    if (row is None or address.type in row.without) and method not in allowed(address):
        text = f"{method} is not an interaction at this address"
        raise method_not_allowed(text, ", ".join(allowed(address)))


def options(address: Address) -> Response:
    """What may be done at an address."""
    return Response(204, [(b"allow", ", ".join(allowed(address)).encode("ascii"))], b"")
