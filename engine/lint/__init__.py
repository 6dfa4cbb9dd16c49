"""What a package must pass before it may be deployed."""
