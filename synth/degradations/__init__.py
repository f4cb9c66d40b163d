"""What degrades speech: chains of transforms."""
