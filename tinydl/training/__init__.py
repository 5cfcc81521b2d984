"""Training a model on data. Read fit.py: the loop that puts everything together; then saving.py."""
