"""How loud samples are."""
