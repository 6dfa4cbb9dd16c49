"""How forms of procedures look on a page, and how what was typed comes back."""
