"""Rooms that mixtures are in, simulated or recorded, and what is heard there."""
