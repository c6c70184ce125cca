"""Code systems and value sets."""
