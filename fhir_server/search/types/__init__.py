"""One file per search parameter type."""
