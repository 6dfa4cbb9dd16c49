"""The files of a case file that are written from the record, for people and for programs."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from engine.documents.archive import Archive
from engine.documents.contents import CaseAttachment, Contents, safe_name
from engine.documents.ledger_lines import ledger_lines
from engine.documents.page import Export, diagrams, render_page
from engine.documents.papers import MadePaper
from engine.documents.sealing import Sealer


def write_parts(
    archive: Archive,
    contents: Contents,
    export: Export,
    papers: list[MadePaper],
    sealer: Sealer,
) -> None:
    """Add everything but the attachments, the manifest and the receipt."""
    instance_id = contents.view.row.id
    archive.add("ledger.jsonl", ledger_lines(sealer.session, instance_id, contents.closed))
    proofs = sealer.proofs(instance_id)
    placed = [(f"papers/{safe_name(paper.title)}.docx", paper) for paper in papers]
    for path, paper in placed:
        archive.add(path, [paper.content])
    whole, pictures = diagrams(contents)
    page = render_page(
        contents,
        export,
        papers=[(path, paper.title) for path, paper in placed],
        keys=proofs["keys"],
        pictures=pictures,
        organisation=contents.view.row.organisation_name,
    )
    archive.add_text("index.html", page)
    archive.add_text("diagram.svg", whole)
    package = contents.definition.package
    archive.add("diagram.bpmn", [package.files[package.bpmn]])
    archive.add_text("attachments.json", pretty([_attachment(f) for f in contents.attachments]))
    archive.add_text("forms.json", pretty(_forms(contents)))
    archive.add_text("findings.json", pretty(_findings(contents)))
    archive.add_text("proofs.json", pretty(proofs))
    verifier = files("engine.documents") / "offline" / "verify.py"
    archive.add("verify.py", [verifier.read_bytes()])


def _attachment(file: CaseAttachment) -> dict[str, Any]:
    return {
        "id": file.id,
        "name": file.name,
        "document": file.document,
        "sha256": file.sha256,
        "size": file.size,
        "media_type": file.media_type,
        "uploaded_by": file.uploader,
        "uploaded_at": file.uploaded_at,
        "state": "withheld" if file.path is None else "included",
        "path": file.path,
    }


def _forms(contents: Contents) -> list[dict[str, Any]]:
    return [
        {
            "seq": form.seq,
            "element": form.element,
            "number": form.number,
            "title": form.title,
            "occurred_on": form.occurred_on.isoformat() if form.occurred_on else None,
            "answers": [
                {
                    "name": a.name,
                    "label": a.label,
                    "text": a.text,
                    "files": list(a.files),
                    "literal": a.literal,
                }
                for a in form.answers
            ],
            "data": form.data,
            "corrects": form.corrects,
        }
        for form in contents.forms.values()
    ]


def _findings(contents: Contents) -> list[dict[str, Any]]:
    return [
        {
            "rule": f.rule,
            "title": f.title,
            "element": f.element,
            "round": f.round,
            "seq": f.seq,
            "outcome": f.outcome,
            "severity": f.severity,
            "outcome_label": f.outcome_label,
            "sentence": f.sentence,
            "articles": [vars(a) for a in f.articles],
            "numbers": dict(f.numbers),
            "until": f.until,
            "state": f.state,
            "notes": list(f.notes),
        }
        for f in contents.findings
    ]


def pretty(value: object) -> str:
    """Return JSON for people to read, always the same for the same value."""
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
