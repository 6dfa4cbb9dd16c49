"""``python -m engine.cli`` is ``guicheng``."""

from engine.cli import main

main()
