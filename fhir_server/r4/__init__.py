"""What FHIR R4 says, as pure code and tables."""
