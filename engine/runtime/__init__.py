"""Process instances and tasks: the one place where matters move."""
