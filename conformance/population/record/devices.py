"""Implanted devices.

https://hl7.org/fhir/R4/device.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.population.clock import DAY, YEAR
from conformance.population.codes.tables import SNOMED, Json, concept

if TYPE_CHECKING:
    from conformance.population.record.chart import Visit

_TYPES = {
    "pacemaker": (
        concept(SNOMED, "14106009", "Cardiac pacemaker, device (physical object)"),
        "Model P",
    ),
}


def implant(visit: Visit, key: str, when: int) -> Json:
    """A device that the patient carries from now on, with an unmistakably made-up identifier."""
    chart = visit.chart
    type, model = _TYPES[key]
    serial = f"SYN{chart.dice.whole(0, 10**8):08d}"
    made, expires = when - 200 * DAY, when + int(5 * YEAR)
    carrier = (
        f"(01)00000000000000(11){_six(chart.day(made))}(17){_six(chart.day(expires))}(21){serial}"
    )
    return chart.new(
        "Device",
        "us-core-implantable-device",
        udiCarrier=[{"deviceIdentifier": "00000000000000", "carrierHRF": carrier}],
        status="active",
        distinctIdentifier=serial,
        manufacturer="Pattern Devices",
        manufactureDate=chart.stamp(made),
        expirationDate=chart.stamp(expires),
        serialNumber=serial,
        deviceName=[{"name": f"Pattern {model}", "type": "model-name"}],
        modelNumber=model,
        type=type,
        patient=chart.subject,
    )


def _six(day: str) -> str:
    """YYMMDD, as GS1 writes dates."""
    return day[2:4] + day[5:7] + day[8:10]
