"""One file per workload: the requests it sends and the check of a sample of answers."""
