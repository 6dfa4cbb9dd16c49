"""Forms in plain words: the sentences under a vote, the labels of errors, the record of answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from engine.errors import N_, Sentence
from engine.forms.ballot_fields import ballot_in_words
from engine.forms.fields import INDICATORS, PLAIN, Field, FieldKind
from engine.forms.frozen_lists import in_words
from engine.forms.html import vote_inputs
from engine.forms.reading import Entry, counts_of
from engine.forms.votes import (
    Ballots,
    Exclusion,
    Outcome,
    Threshold,
    Vote,
    attendance_in_words,
    vote_in_words,
)

_ROW = re.compile(r"(.+)-([0-9]+)")


@dataclass(frozen=True)
class Answer:
    """One answer of a form in words. ``files`` are attachment ids to link to."""

    name: str
    label: str
    text: str
    files: tuple[int, ...] = ()


class Names(Protocol):
    """Knows the names behind numbers."""

    def person(self, person_id: int) -> str:
        """Return a person's name."""
        ...

    def organisation(self, organisation_id: int) -> str:
        """Return an organisation's name."""
        ...

    def attachment(self, attachment_id: int) -> str:
        """Return an attachment's file name."""
        ...


# --- while typing -------------------------------------------------------------------------------


def meeting_sentences(entry: Entry) -> list[str]:
    """Say what the visible attendances and votes of an entry come to so far."""
    sentences: list[str] = []
    _meetings(entry, entry.fields, entry.raw, "", sentences)
    return sentences


def _meetings(
    entry: Entry, fields: Sequence[Field], raw: Mapping[str, Any], prefix: str, said: list[str]
) -> None:
    for field in fields:
        if prefix + field.slot in entry.hidden:
            continue
        value = raw.get(field.key)
        if field.kind is FieldKind.GROUP and not field.key:
            _meetings(entry, field.children, raw, prefix, said)
        elif field.kind is FieldKind.GROUP and isinstance(value, Mapping):
            _meetings(entry, field.children, value, f"{prefix}{field.key}.", said)
        elif field.kind is FieldKind.LIST and isinstance(value, (list, tuple)):
            for index, row in enumerate(value):
                if isinstance(row, Mapping):
                    _meetings(entry, field.children, row, f"{prefix}{field.key}-{index}.", said)
        elif field.kind is FieldKind.ATTENDANCE:
            said += _attendance(entry, field, value)
        elif field.kind is FieldKind.VOTE:
            said += _vote(entry, field, value)


def _attendance(entry: Entry, field: Field, value: Any) -> list[str]:
    part = entry.read(field, value) or {}
    # Consent is asked for in a sentence of its own; the numbers are worth seeing before.
    attendance, found = entry.reckon_attendance(field, part, approved=True)
    if attendance is None:
        return [sentence for sentences in found.values() for sentence in sentences]
    said: list[str] = [attendance_in_words(attendance)]
    if attendance.excluded and not part.get("exclusions_approved"):
        said += entry.reckon_attendance(field, part)[1]["excluded_approved"]
    return said


def _vote(entry: Entry, field: Field, value: Any) -> list[str]:
    meeting = entry.meeting_of(field, approved=True)
    part = entry.read(field, value) or {}
    if meeting is None:
        return []
    vote, found = entry.reckon_vote(field, part, meeting)
    if vote is not None:
        return [vote_in_words(vote)]
    counts = counts_of(part)
    required: tuple[str, ...] = ("issued", "collected", "for", "against", "abstain")
    if not field.flag("secret"):
        required = required[2:]
    if meeting.quorate and any(counts.get(name) is None for name in required):
        threshold = Threshold.parse(field.props["threshold"])
        return [
            Sentence(
                N_("赞成须 %(needed)s 票，现 %(yes)s 票，票数尚未填全"),
                needed=Vote(Ballots(), meeting, threshold).needed,
                yes=(counts.get("for") or 0) + (counts.get("written.for") or 0),
            )
        ]
    return [sentence for sentences in found.values() for sentence in sentences]


# --- labels -------------------------------------------------------------------------------------


def label_of(fields: Sequence[Field], name: str) -> str:
    """Return the label for a field name such as ``visits-0.date`` or ``vote.for``."""
    head, _, rest = name.partition(".")
    row = _ROW.fullmatch(head)
    for field in fields:
        if field.kind is FieldKind.GROUP and not field.key:
            label = label_of(field.children, name)
            if label:
                return label
        elif field.key and field.key in (head, row and row[1]):
            label = field.label or field.key
            if row and field.key == row[1]:
                label = N_("%(label)s第 %(row)s 行") % {"label": label, "row": int(row[2]) + 1}
            if field.kind is FieldKind.VOTE:
                inner = next((o.label for o in vote_inputs(field) if o.value == rest), "")
            else:
                inner = label_of(field.children, rest) if rest else ""
            return f"{label}：{inner}" if inner else label
    return ""


# --- data back to raw ---------------------------------------------------------------------------


def raw_of(fields: Sequence[Field], data: Mapping[str, Any]) -> dict[str, Any]:
    """Turn kept data back into raw data: derived values go, what was entered stays."""
    raw: dict[str, Any] = {}
    for field in fields:
        if field.kind is FieldKind.GROUP and not field.key:
            raw |= raw_of(field.children, data)
        elif field.key in data and field.kind not in PLAIN and field.kind is not FieldKind.BALLOT:
            raw[field.key] = _raw(field, data[field.key])
    return raw


def _raw(field: Field, value: Any) -> Any:
    match field.kind:
        case FieldKind.GROUP:
            return raw_of(field.children, value)
        case FieldKind.LIST:
            return [raw_of(field.children, row) for row in value]
        case FieldKind.ATTENDANCE:
            return {
                "present": list(value["present_people"]),
                "excluded": [dict(item) for item in value["excluded"]],
                "exclusions_approved": bool(value["excluded"]),
            }
        case FieldKind.VOTE:
            if value["outcome"] == Outcome.NO_QUORUM:
                return {}
            names = ["for", "against", "abstain"]
            if field.flag("secret"):
                names += ["issued", "collected"]
            raw: dict[str, Any] = {name: value[name] for name in names}
            if field.flag("written_opinions"):
                raw["written"] = dict(value["written"])
            return raw
    return value


# --- the record ---------------------------------------------------------------------------------


def answers_of(
    fields: Sequence[Field],
    data: Mapping[str, Any],
    names: Names,
    prefix: str = "",
    above: str = "",
) -> list[Answer]:
    """Return kept data as labels and words, in the order of the form; empty answers left out."""
    answers: list[Answer] = []
    for field in fields:
        if field.kind is FieldKind.GROUP and not field.key:
            answers += answers_of(field.children, data, names, prefix, above)
            continue
        value = data.get(field.key) if field.key else None
        if value is None or value == [] or value == "":
            continue
        name = prefix + field.key
        label = above + (field.label or field.key)
        if field.kind is FieldKind.GROUP:
            answers += answers_of(field.children, value, names, f"{name}.", f"{label}：")
        elif field.props.get("domain") == INDICATORS:
            for index, row in enumerate(value):
                text = in_words(row, names.person)
                answers.append(Answer(f"{name}-{index}", row["title"], text))
        elif field.kind is FieldKind.LIST:
            for index, row in enumerate(value):
                head = N_("%(label)s第 %(row)s 行：") % {"label": label, "row": index + 1}
                answers += answers_of(field.children, row, names, f"{name}-{index}.", head)
        elif field.kind is FieldKind.FILES:
            text = "、".join(map(names.attachment, value))
            answers.append(Answer(name, label, text, tuple(value)))
        else:
            answers.append(Answer(name, label, _in_words(field, value, names)))
    return answers


def _in_words(field: Field, value: Any, names: Names) -> str:
    labels = {option.value: option.label for option in field.options}
    match field.kind:
        case FieldKind.DATE:
            day = date.fromisoformat(value)
            return N_("%(y)s年%(m)s月%(d)s日") % {"y": day.year, "m": day.month, "d": day.day}
        case FieldKind.CHECKBOX:
            return N_("是") if value else N_("否")
        case FieldKind.SELECT | FieldKind.RADIO:
            return labels.get(value, str(value))
        case FieldKind.CHECKLIST | FieldKind.TAGLIST:
            return "、".join(labels.get(item, str(item)) for item in value)
        case FieldKind.PERSON:
            return names.person(value)
        case FieldKind.PEOPLE:
            return "、".join(map(names.person, value))
        case FieldKind.ORGANISATION:
            return names.organisation(value)
        case FieldKind.ATTENDANCE:
            return _attendance_record(value, names)
        case FieldKind.VOTE:
            return _vote_record(value)
        case FieldKind.BALLOT:
            return ballot_in_words(field, value, names.person)
    return str(value)


def _attendance_record(value: Mapping[str, Any], names: Names) -> str:
    text = N_("应到 %(due)s 人，实到 %(present)s 人，") % dict(value)
    text += N_("达到法定人数") if value["quorate"] else N_("未达到法定人数，会议无效")
    present = "、".join(map(names.person, value["present_people"]))
    if present:
        text += N_("。到会：%s") % present
    excluded = "；".join(
        f"{names.person(item['person'])}（{Exclusion(item['reason']).label}）"
        for item in value["excluded"]
    )
    return text + (N_("。不计入应到会：%s") % excluded if excluded else "")


def _vote_record(value: Mapping[str, Any]) -> str:
    outcome = Outcome(value["outcome"])
    if outcome is Outcome.NO_QUORUM:
        return outcome.label
    text = N_("赞成 %(for)s 票、反对 %(against)s 票、弃权 %(abstain)s 票") % dict(value)
    written = value["written"]
    if any(written.values()):
        text += N_("；书面意见赞成 %(for)s 份、反对 %(against)s 份、弃权 %(abstain)s 份") % written
    if value["issued"] is not None:
        text += N_("；发出 %(issued)s 张、收回 %(collected)s 张") % dict(value)
    return text + N_("；赞成须 %(needed)s 票，") % dict(value) + outcome.label
