"""question -> ranked passages."""
