"""Corpora and sets of text: from files to versions, from specs to versions."""
