"""The demo, and the small corpora that it makes for itself."""
