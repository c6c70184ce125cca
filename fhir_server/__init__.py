"""Hestia's FHIR R4 server."""
