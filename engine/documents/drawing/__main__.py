"""Draw the templates anew into a folder of packages, by default that of this source tree."""

import sys
from pathlib import Path

from engine.documents.drawing import member_admission
from engine.settings import ROOT

processes = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "processes"
for name, draw in member_admission.PAPERS.items():
    draw().save(processes / member_admission.KEY / "documents" / f"{name}.docx")
