"""What is kept no longer than it has to be."""
