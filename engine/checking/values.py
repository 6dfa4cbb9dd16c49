"""Turn what a file says of a form's fields into what the form itself would have recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from engine.checking.tables import Part, as_day, choice, hint
from engine.errors import N_, Sentence
from engine.forms import FormSchema
from engine.forms.codes import Exclusion, Share, Threshold, VoteBase
from engine.forms.codes import Outcome as VoteOutcome
from engine.forms.fields import Field, FieldKind, walk

NAMES_APART: Final = "、"
"""Between several people or choices in one cell."""
MOST_ITEMS: Final = 5_000

_COUNTS: Final = ("for", "against", "abstain")


class Names:
    """The people and organisations of a file, by name."""

    def __init__(self, people: Mapping[str, int], organisations: Mapping[str, int]) -> None:
        self.people = people
        self.organisations = organisations


def fields_of(form: FormSchema) -> dict[str, Field]:
    """Return the fields of a form that hold a value, by key."""
    return {
        field.path: field
        for field in walk(form.fields)
        if field.takes_input and field.key and "." not in field.path
    }


def read_data(part: Part, form: FormSchema, names: Names, foreign: Sequence[str]) -> dict[str, Any]:
    """Return the data of a step; what is wrong is noted in the part's report."""
    fields = fields_of(form)
    labels = {field.label: key for key, field in fields.items() if field.label}
    found: dict[str, Any] = {}
    for word in part.values:
        key = word if word in fields else labels.get(word, word)
        value = part.get(word)
        if key not in fields:
            if key in foreign:
                found[key] = value
            else:
                near = hint(word, (*fields, *labels))
                part.wrong(
                    word, Sentence(N_("表单没有“%(word)s”这一项%(near)s。"), word=word, near=near)
                )
        elif value is not None:
            read = _value(part, word, fields[key], value, names)
            if read is not None:
                found[key] = read
    _reckon(part, fields, found)
    return found


def _value(part: Part, word: str, field: Field, value: Any, names: Names) -> Any:
    match field.kind:
        case FieldKind.DATE:
            day = as_day(part.report, part.at(word), value)
            return day.isoformat() if day else None
        case FieldKind.NUMBER:
            return _number(part, word, value)
        case FieldKind.CHECKBOX:
            return Part(part.report, part.path, {word: value}).flag(word)
        case FieldKind.RADIO | FieldKind.SELECT:
            return _choice(part, word, field, value)
        case FieldKind.CHECKLIST | FieldKind.TAGLIST:
            return [
                c for item in _list(part, word, value) if (c := _choice(part, word, field, item))
            ]
        case FieldKind.PERSON:
            return person(part, word, value, names)
        case FieldKind.PEOPLE:
            return people(part, word, value, names)
        case FieldKind.ORGANISATION:
            if str(value) not in names.organisations:
                near = hint(str(value), names.organisations)
                part.wrong(
                    word,
                    Sentence(N_("党组织中没有“%(word)s”%(near)s。"), word=str(value), near=near),
                )
            return names.organisations.get(str(value))
        case FieldKind.ATTENDANCE:
            return _attendance(Part(part.report, part.at(word), value), field, names)
        case FieldKind.VOTE:
            return _vote(Part(part.report, part.at(word), value))
        case FieldKind.TEXTFIELD | FieldKind.TEXTAREA:
            if isinstance(value, (dict, list, bool)):
                part.wrong(word, Sentence(N_("应当是文字。")))
            return str(value)
    return value


def _number(part: Part, word: str, value: Any) -> int | float | None:
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 10**9:
        part.wrong(word, Sentence(N_("应当是数字。")))
        return None
    return value


def _choice(part: Part, word: str, field: Field, value: Any) -> str | None:
    for option in field.options:
        if value in (option.value, option.label):
            return option.value
    choices = tuple(choice(option.value, option.label) for option in field.options)
    part.wrong(
        word,
        Sentence(N_("没有“%(word)s”这个选项，可填：%(known)s。"), word=str(value), known=choices),
    )
    return None


def _list(part: Part, word: str, value: Any) -> list[Any]:
    if isinstance(value, str):
        return [item.strip() for item in value.split(NAMES_APART) if item.strip()]
    if not isinstance(value, list) or len(value) > MOST_ITEMS:
        part.wrong(word, Sentence(N_("应当是一个列表（表格中用顿号隔开）。")))
        return []
    return value


def person(part: Part, word: str, value: Any, names: Names) -> int | None:
    """Return the id of a person named in the file."""
    if not isinstance(value, str) or value not in names.people:
        near = hint(str(value), names.people)
        part.wrong(word, Sentence(N_("人员中没有“%(word)s”%(near)s。"), word=str(value), near=near))
        return None
    return names.people[value]


def people(part: Part, word: str, value: Any, names: Names) -> list[int]:
    """Return the ids of people named in the file."""
    row = (person(part, word, item, names) for item in _list(part, word, value))
    return [id for id in row if id is not None]


# --- meetings -----------------------------------------------------------------------------------


def _attendance(part: Part, field: Field, names: Names) -> dict[str, Any]:
    came = people(part, "present_people", part.get("present_people") or [], names)
    excluded = []
    for one in part.parts("excluded"):
        reason = one.text("reason")
        for known in Exclusion:
            if reason in (known.value, known.label):
                reason = known.value
        excluded.append(
            {"person": person(one, "person", one.get("person"), names), "reason": reason}
        )
        one.done()
    present = _count(part, "present", len(came))
    due = _count(part, "due", present)
    if part.get("due") is None:
        part.wrong("due", Sentence(N_("请填写应到会人数。")))
    part.done()
    needed = max(Share(field.props.get("quorum", "more_than_half")).needed(due), 1)
    return {
        "due": due,
        "present": present,
        "present_people": came,
        "excluded": excluded,
        "quorate": present >= needed,
        "needed": needed,
    }


def _vote(part: Part) -> dict[str, Any]:
    found: dict[str, Any] = {word: _count(part, word, 0) for word in _COUNTS}
    written = part.part("written")
    late = _count(written, "late", 0)
    found["written"] = {word: _count(written, word, 0) for word in _COUNTS}
    if late:
        found["written"]["late"] = late
    written.done()
    cast = sum(found[word] for word in _COUNTS)
    for word in ("collected", "issued"):
        found[word] = cast = _count(part, word, cast)
    for word in ("due", "present", "together"):
        if part.get(word) is not None:
            found[word] = _count(part, word, 0)
    if outcome := part.text("outcome", ""):
        found["outcome"] = outcome
        for known in VoteOutcome:
            if outcome in (known.value, known.label):
                found["outcome"] = known.value
        if found["outcome"] not in set(VoteOutcome):
            part.wrong(
                "outcome",
                Sentence(N_("应当是 adopted（通过）、lost（未通过）或者 no_quorum（会议无效）。")),
            )
    part.done()
    return found


def _reckon(part: Part, fields: Mapping[str, Field], data: dict[str, Any]) -> None:
    """Complete votes from the attendance of the same meeting, as forms do."""
    for key, field in fields.items():
        vote = data.get(key)
        if field.kind is not FieldKind.VOTE or not isinstance(vote, dict):
            continue
        meeting = data.get(field.props.get("attendance", ""))
        if not isinstance(meeting, dict):
            if "due" not in vote or "present" not in vote:
                part.wrong(key, Sentence(N_("请填写到会情况，或者在表决中写明 due、present。")))
            meeting = {"due": vote.get("due", 0), "present": vote.get("present", 0)}
        vote.setdefault("due", meeting["due"])
        vote.setdefault("present", meeting["present"])
        threshold = Threshold.parse(field.props.get("threshold", "more_than_half_of_due"))
        base = vote["due"] if threshold.base is VoteBase.DUE else vote["present"]
        vote["needed"] = max(threshold.share.needed(base), 1)
        in_favour = vote["for"] + vote["written"]["for"]
        carried = VoteOutcome.ADOPTED if in_favour >= vote["needed"] else VoteOutcome.LOST
        if not meeting.get("quorate", True):
            carried = VoteOutcome.NO_QUORUM
        vote.setdefault("outcome", carried.value)


def _count(part: Part, word: str, default: int) -> int:
    value = part.get(word)
    if value is None:
        return default
    read = _number(part, word, value)
    if read is None or not isinstance(read, int) or read < 0:
        part.wrong(word, Sentence(N_("应当是不小于零的整数。")))
        return default
    return read
