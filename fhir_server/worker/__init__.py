"""Background work: jobs and consumers of the change log."""
