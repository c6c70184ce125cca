"""FHIR search: parameters, index rows, SQL."""
