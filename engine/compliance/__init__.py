"""Regulations, rules and findings: every step measured against its article."""
