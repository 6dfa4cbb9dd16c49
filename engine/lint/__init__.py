"""What a package must pass before it may be deployed."""

from engine.lint.regulations import is_regulations
from engine.lint.runner import lint_folder, lint_package

__all__ = ["is_regulations", "lint_folder", "lint_package"]
