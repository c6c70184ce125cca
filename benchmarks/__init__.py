"""Benchmarks: ratios and medians, never gates."""
