"""Published recipes of mixtures, replayed on recordings at hand."""
