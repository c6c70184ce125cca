"""One file per interaction of the RESTful API."""
