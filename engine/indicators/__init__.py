"""What people see of frozen figures: the records behind each, and whether they still give it."""
