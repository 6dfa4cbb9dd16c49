"""Process packages: read, parse, deploy, version."""
