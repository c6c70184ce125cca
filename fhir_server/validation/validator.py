"""Validation of one resource by the policy of the deployment.

https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fhir_server.validation.objects import Objects
from fhir_server.validation.report import Report, Validation

if TYPE_CHECKING:
    from fhir_server.context import Context
    from fhir_server.r4.json import Json

Policy = Literal["off", "structure"]


class Validator:
    """Compiled once, shared by all requests.

    ``policy`` "structure" checks JSON shape, properties, cardinality, primitives, required codes
    and references; "off" checks nothing.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._objects = Objects()

    def validate(self, resource: Json, context: Context) -> Validation:
        """All issues of a resource, and the references whose targets only the store knows."""
        del context  # Profiles by client and tenant will choose by it.
        if self._policy == "off":
            return Validation()
        report = Report()
        self._objects.resource(resource, None, report)
        return report.result()
