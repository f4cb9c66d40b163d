"""Mixtures before any level is known: what a spec asks of who meets whom and of where each lies."""
