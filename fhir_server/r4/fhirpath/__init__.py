"""FHIRPath, compiled to Python closures."""
