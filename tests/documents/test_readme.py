"""The requests of the README, sent in their order and answered as the README says."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
SERVER = "http://localhost:8080/fhir/"


def requests() -> list[list[str]]:
    """The words of each curl command, in document order."""
    shells = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    lines = "\n".join(shells).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.startswith("curl ")]


async def send(client: httpx.AsyncClient, words: list[str]) -> httpx.Response:
    """What curl would do with these options; an unknown option fails."""
    curl = argparse.ArgumentParser(exit_on_error=False)
    curl.add_argument("-s", action="store_true")
    curl.add_argument("-X", dest="method")
    curl.add_argument("-H", dest="headers", action="append", default=[])
    curl.add_argument("-d", dest="body")
    curl.add_argument("url")
    asked = curl.parse_args(words[1:])
    assert asked.url.startswith(SERVER)
    method = asked.method or ("GET" if asked.body is None else "POST")
    headers = dict(header.split(": ", 1) for header in asked.headers)
    path = asked.url.removeprefix(SERVER)
    return await client.request(method, path, headers=headers, content=asked.body)


async def test_the_readme_s_requests_are_answered_as_it_says(fhir: httpx.AsyncClient) -> None:
    answers = [await send(fhir, words) for words in requests()]
    metadata, patients, put, history, created, found, mistake = answers
    assert [answer.status_code for answer in answers] == [200, 200, 201, 200, 201, 200, 400]
    assert metadata.json()["fhirVersion"] == "4.0.1"
    assert patients.json()["total"] == 0
    assert put.json()["id"] == "ada"
    assert [entry["resource"]["id"] for entry in history.json()["entry"]] == ["ada"]
    assert [entry["resource"]["id"] for entry in found.json()["entry"]] == [created.json()["id"]]
    assert '"value": 72.0,' in found.text
    assert "shoe-size" in mistake.json()["issue"][0]["diagnostics"]


async def test_the_readme_s_conditional_create_creates_once(fhir: httpx.AsyncClient) -> None:
    words = requests()
    first = [await send(fhir, command) for command in words][4]
    again = await send(fhir, words[4])
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["ETag"] == 'W/"1"'
