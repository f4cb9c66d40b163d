"""The plan of a split: all of its rows, before any is rendered."""
