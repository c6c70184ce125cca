"""A synthetic population, deterministic by seed."""
