"""Calendar-month arithmetic and Chinese working days."""
