"""The coherence checker: reads any output directory and knows nothing of the generator."""
