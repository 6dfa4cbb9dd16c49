"""The event log is valid XES (IEEE 1849-2016), and says what the ledger says."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
import r4pm
from lxml import etree
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engine.audit.event_log import NAMESPACE, write_event_log
from engine.audit.wanted import MatterFilter
from engine.clock import ZONE, FixedClock
from engine.errors import NotAllowed
from engine.ledger.models import LedgerEntry
from engine.runtime.views import MatterStatus
from tests.played import Played, play_admission

X = f"{{{NAMESPACE}}}"
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


def schema() -> etree.XMLSchema:
    """Return the schema of an event log; what it is and is not says its first annotation."""
    return etree.XMLSchema(etree.parse(Path(__file__).with_name("xes.xsd")))


def check_log(document: str) -> ElementTree.Element:
    """Hold a log against the schema, and against what a schema cannot say."""
    schema().assertValid(etree.fromstring(document.encode("utf-8")))
    root = ElementTree.fromstring(document)
    prefixes = {extension.attrib["prefix"] for extension in root.iter(f"{X}extension")}
    for element in root.iter():
        prefix, colon, _ = element.attrib.get("key", "").partition(":")
        assert not colon or prefix in prefixes  # no key of an extension that was not declared
    always = {
        scope.attrib["scope"]: {child.attrib["key"] for child in scope}
        for scope in root.iter(f"{X}global")
    }
    assert set(always) == {"trace", "event"}
    for scope, keys in always.items():
        for part in root.iter(f"{X}{scope}"):
            assert keys <= set(values(part))
    for classifier in root.iter(f"{X}classifier"):
        assert set(classifier.attrib["keys"].split()) <= always["event"]
    return root


def values(event: ElementTree.Element) -> dict[str, str]:
    return {child.attrib["key"]: child.attrib["value"] for child in event if "key" in child.attrib}


def test_the_log_has_the_structure_of_the_standard(played: Played) -> None:
    root = check_log(log_of(played))
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


BROKEN = {
    "no version": ('<log xes.version="1849.2016" ', "<log "),
    "a version that is no number": ('xes.version="1849.2016"', 'xes.version="new"'),
    "a feature nobody knows": ('xes.features=""', 'xes.features="magic"'),
    "another namespace": (NAMESPACE, "http://example.org/"),
    "an extension without its prefix": (' prefix="concept"', ""),
    "an extension twice": ('name="Time" prefix="time"', 'name="Concept" prefix="time"'),
    "a prefix twice": ('name="Time" prefix="time"', 'name="Time" prefix="concept"'),
    "an extension that lies nowhere": ("concept.xesext", "concept.html"),
    "a scope nobody knows": ('scope="trace"', 'scope="case"'),
    "a scope twice": ('scope="trace"', 'scope="event"'),
    "a global without scope": (' scope="event"', ""),
    "a classifier without keys": (' keys="concept:name"', ""),
    "a classifier of no keys": ('keys="concept:name"', 'keys=""'),
    "a classifier without name": (' name="Activity"', ""),
    "a classifier twice": ('name="ActivityAndTransition"', 'name="Activity"'),
    "a name of a classifier with blanks": ("ActivityAndTransition", "Activity and transition"),
    "a global after the classifiers": (
        '<classifier name="Activity" keys="concept:name"/>\n',
        '<classifier name="Activity" keys="concept:name"/><global scope="log"></global>\n',
    ),
    "an event before the attributes of its trace": ("<trace>", "<trace><event/>"),
    "a trace in a trace": ("<trace>", "<trace><trace/>"),
    "an element nobody knows": ("<trace>", "<case/><trace>"),
    "text between the elements": ("<trace>", "<trace>text"),
    "a key of a trace twice": ("<trace>", '<trace><string key="process" value=""/>'),
    "a key of an event twice": ("<event>", '<event><string key="kind" value=""/>'),
    "an attribute without key": ("<event>", '<event><string value=""/>'),
    "an attribute without value": ("<event>", '<event><string key="a"/>'),
    "a key that is no name": ("<event>", '<event><string key="1 a" value=""/>'),
    "a key that is empty": ("<event>", '<event><string key="" value=""/>'),
    "a type nobody knows": ("<event>", '<event><text key="a" value=""/>'),
    "a number that is none": ("<event>", '<event><int key="a" value="1.5"/>'),
    "a fraction that is none": ("<event>", '<event><float key="a" value="half"/>'),
    "a truth that is none": ("<event>", '<event><boolean key="a" value="yes"/>'),
    "a day without time": ("<event>", '<event><date key="a" value="2025-02-11"/>'),
    "a moment without zone": ("<event>", '<event><date key="a" value="2025-02-11T08:00:00"/>'),
    "a day that never was": ("<event>", '<event><date key="a" value="2025-02-30T08:00:00Z"/>'),
    "a list without values": ("<event>", '<event><list key="a"/>'),
    "a list with a value beside its values": (
        "<event>",
        '<event><list key="a" value="1"><values/></list>',
    ),
}
"""What the schema must refuse: what is put in place of what."""


def test_the_schema_refuses_what_is_broken(played: Played) -> None:
    document, rules = log_of(played), schema()
    assert rules.validate(etree.fromstring(document.encode("utf-8")))
    accepted = [
        title
        for title, (good, bad) in BROKEN.items()
        if rules.validate(etree.fromstring(document.replace(good, bad, 1).encode("utf-8")))
    ]
    assert not accepted
    assert all(good in document for good, _ in BROKEN.values())


def test_the_schema_knows_every_type_of_the_standard(played: Played) -> None:
    """Ours uses three of the seven types; nested attributes and lists are as lawful."""
    more = (
        '<event><boolean key="a" value="true"/><float key="b" value="1.5E3"/>'
        '<id key="c" value="0b1e"><int key="d" value="-1"/></id>'
        '<list key="e"><values><string key="f" value=""/><string key="f" value=""/></values></list>'
    )
    schema().assertValid(etree.fromstring(log_of(played).replace("<event>", more, 1).encode()))


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
    check_log(named)
    assert f'value="P{played.ids["applicant"]}"' not in named


def test_a_branch_names_nobody_whom_it_may_not_see(played: Played) -> None:
    check_log(log_of(played, "secretary", names=True))
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
    root = check_log(log_of(played))
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
