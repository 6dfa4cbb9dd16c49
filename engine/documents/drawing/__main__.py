"""Draw the templates anew into a folder of packages, by default that of this source tree."""

import sys
from pathlib import Path

from engine.documents.drawing import (
    assessment,
    democratic_review,
    meeting,
    member_admission,
    notice,
)
from engine.settings import ROOT

processes = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "processes"
for package in (assessment, democratic_review, meeting, member_admission, notice):
    for name, draw in package.PAPERS.items():
        draw().save(processes / package.KEY / "documents" / f"{name}.docx")
