"""What is happening? Observers of the engine: source lines, anomalies, strict mode, diagnosis, summary."""
