"""The event log is XES (IEEE 1849-2016) by structure, and says what the ledger says."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
import r4pm
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engine.audit.event_log import NAMESPACE, write_event_log
from engine.audit.exporting import MatterFilter
from engine.clock import ZONE, FixedClock
from engine.errors import NotAllowed
from engine.ledger.models import LedgerEntry
from engine.runtime.views import MatterStatus
from tests.played import Played, play_admission

X = f"{{{NAMESPACE}}}"
ATTRIBUTES = {"string", "date", "int", "float", "boolean", "id", "list", "container"}
TRANSITIONS = {
    "schedule", "assign", "withdraw", "reassign", "start", "suspend", "resume", "pi_abort",
    "ate_abort", "complete", "autoskip", "manualskip", "unknown",
}  # fmt: skip
DATE_TIME = re.compile(r"-?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@pytest.fixture
def played(session: Session, clock: FixedClock) -> Played:
    return play_admission(
        session, clock, until="file_activist", days={"first_talk": date(2025, 2, 11)}
    )


def log_of(played: Played, name: str = "auditor", *, names: bool = False, **wanted: object) -> str:
    pieces = write_event_log(
        played.session,
        played.actor(name),
        MatterFilter(**wanted),  # type: ignore[arg-type]
        with_names=names,
    )
    return "".join(pieces)


def check_attribute(element: ElementTree.Element) -> None:
    """What AttributeType of the schema asks: a key, a value of the type, nothing else."""
    kind = element.tag.removeprefix(X)
    assert kind in ATTRIBUTES, element.tag
    assert set(element.attrib) == {"key", "value"} and element.attrib["key"].strip()
    assert not list(element) and not (element.text or "").strip()
    value = element.attrib["value"]
    if kind == "date":
        assert DATE_TIME.fullmatch(value) and datetime.fromisoformat(value)
    if kind == "int":
        int(value)


def check_schema(document: str) -> ElementTree.Element:
    """Hold a log against the structure that the schema of IEEE 1849-2016 prescribes."""
    root = ElementTree.fromstring(document)
    assert root.tag == f"{X}log"
    assert set(root.attrib) <= {"xes.version", "xes.features"}
    float(root.attrib["xes.version"])  # xs:decimal, required
    order = ["extension", "global", "classifier", "attribute", "trace", "event"]
    found = [child.tag.removeprefix(X) for child in root]
    places = [order.index(tag if tag in order else "attribute") for tag in found]
    assert places == sorted(places)
    prefixes = set()
    for extension in root.iter(f"{X}extension"):
        assert set(extension.attrib) == {"name", "prefix", "uri"}
        assert extension.attrib["uri"].endswith(f"{extension.attrib['prefix']}.xesext")
        prefixes.add(extension.attrib["prefix"])
    scopes = {}
    for declared in root.iter(f"{X}global"):
        for child in declared:
            check_attribute(child)
        scopes[declared.attrib["scope"]] = {child.attrib["key"] for child in declared}
    assert set(scopes) == {"trace", "event"}
    for classifier in root.iter(f"{X}classifier"):
        assert classifier.attrib["name"]
        assert set(classifier.attrib["keys"].split()) <= scopes["event"]
    for trace in root.iter(f"{X}trace"):
        tags = [child.tag == f"{X}event" for child in trace]
        assert tags == sorted(tags)  # attributes first, then events
        own = [child for child in trace if child.tag != f"{X}event"]
        for child in own:
            check_attribute(child)
        assert scopes["trace"] <= {child.attrib["key"] for child in own}
        for event in trace.iter(f"{X}event"):
            keys = [child.attrib["key"] for child in event]
            assert len(keys) == len(set(keys)) and scopes["event"] <= set(keys)
            for child in event:
                check_attribute(child)
    for element in root.iter():
        key = element.attrib.get("key", "")
        assert ":" not in key or key.split(":")[0] in prefixes
    return root


def values(event: ElementTree.Element) -> dict[str, str]:
    return {child.attrib["key"]: child.attrib["value"] for child in event if "key" in child.attrib}


def test_the_log_has_the_structure_of_the_standard(played: Played) -> None:
    root = check_schema(log_of(played))
    (trace,) = root.iter(f"{X}trace")
    events = [values(event) for event in trace.iter(f"{X}event")]
    entries = played.session.execute(
        select(LedgerEntry.seq, LedgerEntry.kind)
        .where(LedgerEntry.chain_id == played.instance_id)
        .order_by(LedgerEntry.seq)
    ).all()
    assert [int(e["entry"]) for e in events] == [row.seq for row in entries]
    assert {e["lifecycle:transition"] for e in events} <= TRANSITIONS
    talk = next(e for e in events if e.get("element") == "first_talk")
    assert talk["concept:name"] == "02 党组织派人谈话"
    assert talk["lifecycle:transition"] == "complete"
    assert datetime.fromisoformat(talk["time:timestamp"]).astimezone(ZONE).date() == date(
        2025, 2, 11
    )


def test_nobody_is_named_unless_asked_for(played: Played) -> None:
    names = {
        row.name
        for row in played.session.execute(text("SELECT name FROM person"))
        if len(row.name) > 1
    }
    plain = log_of(played)
    assert not [name for name in names if f'"{name}"' in plain]
    assert f'value="P{played.ids["applicant"]}"' in plain
    named = log_of(played, names=True)
    check_schema(named)
    assert f'value="P{played.ids["applicant"]}"' not in named


def test_a_branch_names_nobody_whom_it_may_not_see(played: Played) -> None:
    check_schema(log_of(played, "secretary", names=True))
    assert "<trace>" in log_of(played, "secretary")


def test_only_what_is_wanted_and_seen(played: Played) -> None:
    assert "<trace>" not in log_of(played, status=MatterStatus.CANCELLED)
    assert "<trace>" in log_of(played, process="member_admission")
    assert "<trace>" not in log_of(played, since=date(2030, 1, 1))
    with pytest.raises(NotAllowed):
        log_of(played, "applicant")
    with pytest.raises(NotAllowed):
        log_of(played, "secretary", organisation_id=played.ids["county"])


def test_what_xml_cannot_carry_is_left_out(played: Played) -> None:
    played.session.execute(
        text("UPDATE organisation SET short_name = E'A\\u0001&<\">\\nB' WHERE id = :id"),
        {"id": played.ids["branch"]},
    )
    root = check_schema(log_of(played))
    (trace,) = root.iter(f"{X}trace")
    assert values(trace)["org:group"] == 'A&<">\nB'


def test_a_program_of_others_reads_all_of_it(played: Played, tmp_path: Path) -> None:
    """The process mining library r4pm reads the log and writes it again: nothing is lost."""
    ours, theirs = tmp_path / "ours.xes", tmp_path / "theirs.xes"
    ours.write_text(log_of(played, names=True), "utf-8")
    known = r4pm.import_item("EventLog", str(ours))
    r4pm.export_item(known, str(theirs))
    r4pm.remove_item(known)
    assert events_of(ElementTree.parse(theirs)) == events_of(ElementTree.parse(ours))


def events_of(log: ElementTree.ElementTree) -> list[list[dict[str, object]]]:  # type: ignore[type-arg]
    """Return the events of each trace with all their attributes, moments as moments."""
    return [
        [
            {
                key: datetime.fromisoformat(value) if DATE_TIME.fullmatch(value) else value
                for key, value in values(event).items()
            }
            for event in trace.iter(f"{X}event")
        ]
        for trace in log.iter(f"{X}trace")
    ]
