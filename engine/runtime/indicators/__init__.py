"""Figures counted from the records of an organisation, as they were known at the end of a day.

What was recorded by then never changes, so the same question gives the same figures for ever.
"""
