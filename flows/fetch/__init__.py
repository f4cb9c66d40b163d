"""A corpus from its makers to the downloads folder."""
