"""Metrics per interaction, summed over workers."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from fhir_server.rest.metrics import BUCKETS, Metrics

if TYPE_CHECKING:
    from pathlib import Path


def test_requests_are_counted_by_interaction_and_status(tmp_path: Path):
    metrics = Metrics(tmp_path)
    metrics.observe("read", 200, 0.002)
    metrics.observe("read", 200, 0.002)
    metrics.observe("read", 404, 0.002)
    text = metrics.exposition({}).decode()
    assert 'hestia_requests_total{interaction="read",status="200"} 2.0' in text
    assert 'hestia_requests_total{interaction="read",status="404"} 1.0' in text


def test_latencies_fall_into_cumulated_buckets(tmp_path: Path):
    metrics = Metrics(tmp_path)
    for seconds in (0.0005, 0.001, 0.004, 99):
        metrics.observe("read", 200, seconds)
    text = metrics.exposition({}).decode()
    assert 'bucket{interaction="read",le="0.001",status="200"} 2.0' in text
    assert 'bucket{interaction="read",le="0.005",status="200"} 3.0' in text
    assert 'bucket{interaction="read",le="+Inf",status="200"} 4.0' in text
    assert 'hestia_request_seconds_sum{interaction="read",status="200"} 99.0055' in text


def test_numbers_of_other_workers_are_added_also_when_they_have_ended(tmp_path: Path):
    row = ["read", 200, *[1] * (len(BUCKETS) + 1), 0.5]
    (tmp_path / "999999999.json").write_text(json.dumps({"memory": 5, "rows": [row]}))
    metrics = Metrics(tmp_path)
    metrics.observe("read", 200, 0.1)
    text = metrics.exposition({}).decode()
    count = len(BUCKETS) + 2
    assert f'hestia_requests_total{{interaction="read",status="200"}} {count}.0' in text
    assert 'pid="999999999"' not in text
    assert f'hestia_worker_memory_bytes{{pid="{os.getpid()}"}}' in text


def test_gauges_stand_beside_the_counters(tmp_path: Path):
    text = Metrics(tmp_path).exposition({"hestia_resources": ("Live resources.", 7)}).decode()
    assert "hestia_resources 7.0" in text
