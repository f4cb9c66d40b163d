"""Corpora of speech, noise and room impulse responses: taken in, told of, and speakers taken out."""
