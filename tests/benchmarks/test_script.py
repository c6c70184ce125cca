"""Requests as raw bytes, and the order in which they are sent."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from benchmarks import data
from benchmarks.dataset import TYPES, Dataset, Stored
from benchmarks.script import Queue, Request, encode, raw_request, read_script, write_script
from benchmarks.target import Target
from benchmarks.workloads import mixed, search

if TYPE_CHECKING:
    from pathlib import Path

TARGET = Target("http", "127.0.0.1", 8080, "/fhir", (("Authorization", "Bearer x"),))
DATASET = Dataset({type_: (Stored(type_, 1, "a1", "Patient/a1"),) for type_ in TYPES})


def test_a_request_is_complete_http() -> None:
    assert raw_request(TARGET, "PUT", "/Patient/1", {"id": "é"}) == (
        b"PUT /fhir/Patient/1 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAuthorization: Bearer x\r\n"
        b"Accept: application/fhir+json\r\nContent-Type: application/fhir+json\r\n"
        b'Content-Length: 11\r\n\r\n{"id":"\xc3\xa9"}'
    )


def test_a_script_file_reads_back_as_written(tmp_path: Path) -> None:
    requests = (Request(b"GET / HTTP/1.1\r\n\r\n"), Request(b"\n12 plain\n", "create"))
    write_script(tmp_path / "script", requests)
    assert read_script(tmp_path / "script") == requests


def test_a_delete_waits_for_a_create_and_takes_the_oldest() -> None:
    queue = Queue((Request(b"DELETE /{created}", "delete"), Request(b"GET")))
    assert [queue.next().raw for _ in range(2)] == [b"GET", b"GET"]
    queue.created += ["Patient/1", "Patient/2"]
    sent = [queue.next().raw for _ in range(5)]
    assert sent == [b"DELETE /Patient/1", b"GET", b"DELETE /Patient/2", b"GET", b"GET"]


def test_mixed_holds_the_shares_of_the_issue_exactly() -> None:
    requests = mixed.script(TARGET, DATASET).requests
    methods = Counter(request.raw.split(b" ", 1)[0].decode() for request in requests)
    assert methods == {"POST": 1000, "GET": 6000, "PUT": 2500, "DELETE": 500}
    assert {request.kind for request in requests if request.raw[:4] == b"POST"} == {"create"}


def test_the_same_number_gives_the_same_resource() -> None:
    first, again = data.observation(7, "Patient/1"), data.observation(7, "Patient/1")
    assert first == again
    assert first != data.observation(7, "Patient/1", change=1)
    assert 900 < len(encode(first)) < 1200


def test_search_knows_what_must_be_found() -> None:
    day, code = data.observation_day(1), data.observation_code(1)
    patient = DATASET.stored["Patient"][0]
    assert search.expected(DATASET, patient, code, day.year) == {"a1"}
    assert search.expected(DATASET, patient, code, day.year + 1) == set()
    assert search.expected(DATASET, patient, "8867-4", day.year) == set()
