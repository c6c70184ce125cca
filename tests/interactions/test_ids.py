"""https://www.rfc-editor.org/rfc/rfc9562#section-5.7."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

from fhir_server.interactions.ids import uuid7

NOW = datetime(2026, 11, 21, 8, 0, 0, 125_000, tzinfo=UTC)


def test_an_id_is_a_uuid_of_version_7() -> None:
    id = UUID(uuid7(NOW))
    assert (id.version, id.variant) == (7, RFC_4122)
    assert str(id) == uuid7(NOW)[:14] + str(id)[14:]


def test_an_id_begins_with_the_milliseconds() -> None:
    # 2026-11-21T08:00:00.125Z is 1,795,248,000,125 ms after 1970.
    assert UUID(uuid7(NOW)).int >> 80 == 1_795_248_000_125


def test_ids_sort_by_time_and_differ() -> None:
    ids = [uuid7(NOW + timedelta(milliseconds=n)) for n in range(100)]
    assert ids == sorted(ids)
    assert len({uuid7(NOW) for _ in range(1000)}) == 1000
