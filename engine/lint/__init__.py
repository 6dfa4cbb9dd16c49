"""What a package must pass before it may be deployed."""

from engine.lint.runner import lint_folder, lint_package

__all__ = ["lint_folder", "lint_package"]
