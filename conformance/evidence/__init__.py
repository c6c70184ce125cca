"""Suites on real input: python -m conformance.evidence --data DIR."""
