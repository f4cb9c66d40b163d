"""What the rows of a set hold."""
