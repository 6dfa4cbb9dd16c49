"""Organisations, people, membership over time, posts, accounts and the access policy."""
