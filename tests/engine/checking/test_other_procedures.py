"""Files of procedures other than admission."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from engine.cli import main


def _publication(publish_by: str | None) -> dict[str, Any]:
    asked = {} if publish_by is None else {"publish_by": publish_by}
    return {
        "procedure": "party_openness",
        "organisation": "第一党支部",
        "today": "2026-07-10",
        "organisations": [{"name": "第一党支部", "kind": "branch"}],
        "steps": [{"step": "propose", "on": "2026-06-01", "data": asked}],
    }


def _rules(matter: dict[str, Any], path: Path) -> list[str]:
    path.write_text(json.dumps(matter, ensure_ascii=False), "utf-8")
    ran = CliRunner().invoke(main, ["check", str(path), "--json"])
    assert ran.exit_code == 0, ran.output
    return [finding["rule"] for finding in json.loads(ran.stdout)["findings"]]


def test_a_publication_without_a_day_is_not_late(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    assert "R-PN-07" in _rules(_publication("2026-07-09"), path)
    assert "R-PN-07" not in _rules(_publication("2026-07-10"), path)
    assert "R-PN-07" not in _rules(_publication(None), path)
