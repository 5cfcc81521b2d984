"""A training step, recorded once and printed as the NumPy program that one would have written by hand."""
