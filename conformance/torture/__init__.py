"""Faults and races: what must hold when many write the same and when processes are killed."""
