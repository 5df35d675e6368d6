"""Retrieval measures, over the same public Library that users have."""
