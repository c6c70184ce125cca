"""Evidence that runs against any FHIR server over HTTP."""
