"""规程 Guicheng: the workflow core. It imports nothing from ``web``."""
