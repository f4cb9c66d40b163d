"""Noise under mixtures."""
