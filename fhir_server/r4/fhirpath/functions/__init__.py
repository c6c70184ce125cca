"""The functions of FHIRPath, a module per section of the specification."""
