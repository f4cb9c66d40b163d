"""Arranged mixtures get their levels: gains of speech and noise, also where they are heard in rooms."""
