"""Sets of mixtures, for separation and enhancement: from a spec to a version."""
