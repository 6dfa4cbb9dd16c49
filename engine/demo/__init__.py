"""One invented county town, for trying things out and for measuring."""
