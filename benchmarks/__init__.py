"""Measurements, each a command; results stand beside them with the machine named."""
