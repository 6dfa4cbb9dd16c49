"""The last look at a form that is handed in: what is required, who may be chosen, what adds up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.ballots.counting import adds_up
from engine.directory.codes import MembershipStatus
from engine.errors import N_, Sentence
from engine.forms.fields import Field, FieldKind, may_be_among
from engine.forms.frozen_lists import frozen_rows
from engine.forms.item_lists import check_answers
from engine.forms.reading import Entry, Problems, counts_of

_SCOPE_WORDS = {
    "branch": N_("本支部"),
    "leading_body": N_("领导班子"),
    "committee": N_("支部委员会"),
    "subtree": N_("本组织及下级组织"),
    "all": "",
}
_SELECTED = {
    FieldKind.SELECT,
    FieldKind.RADIO,
    FieldKind.CHECKLIST,
    FieldKind.TAGLIST,
    FieldKind.PERSON,
    FieldKind.PEOPLE,
    FieldKind.ORGANISATION,
}

_READ_ALREADY = {
    FieldKind.TEXTFIELD,
    FieldKind.TEXTAREA,
    FieldKind.NUMBER,
    FieldKind.DATE,
    FieldKind.RADIO,
    FieldKind.SELECT,
    FieldKind.CHECKLIST,
    FieldKind.TAGLIST,
}
"""Kinds of which nothing is left to check but whether there is a value."""


class Check:
    """Completes the data of one form and gathers what is wrong with it, by field name."""

    def __init__(self, entry: Entry, problems: Problems) -> None:
        self.entry = entry
        self.problems = problems

    def refuse(self, name: str, sentence: str, **params: object) -> None:
        """Note a sentence at a field."""
        self.problems.setdefault(name, []).append(Sentence(sentence, **params))

    def level(
        self, fields: Sequence[Field], data: Mapping[str, Any], prefix: str = ""
    ) -> dict[str, Any]:
        """Check one level and return its final data: visible fields that hold something."""
        final: dict[str, Any] = {}
        for field in fields:
            name = prefix + field.slot
            if name in self.entry.hidden:
                continue
            if field.kind is FieldKind.GROUP and not field.key:
                final |= self.level(field.children, data, prefix)
            elif field.kind is FieldKind.BALLOT:
                if (count := self.ballot(field, name)) is not None:
                    final[field.key] = count
            elif field.takes_input and not self._already_wrong(name):
                value = self.value(field, data.get(field.key), name)
                if value is not None:
                    final[field.key] = value
        return final

    def _already_wrong(self, name: str) -> bool:
        # A value that could not be read is missing from the data; that is no second mistake.
        return name in self.problems

    def value(self, field: Field, value: Any, name: str) -> Any:
        """Check one value and return its final form, None for nothing."""
        if field.kind in _READ_ALREADY:
            if field.required and (value is None or value == []):
                self.missing(field, name)
            return value
        match field.kind:
            case FieldKind.GROUP:
                return self.level(field.children, value or {}, f"{name}.")
            case FieldKind.LIST:
                return self.rows(field, value or [], name)
            case FieldKind.ATTENDANCE:
                return self.attendance(field, value, name)
            case FieldKind.VOTE:
                return self.vote(field, value, name)
            case FieldKind.CHECKBOX:
                if field.required and value is not True:
                    self.refuse(name, N_("请确认后勾选。"))
                return bool(value)
        if value is None or value == []:
            if field.required:
                self.missing(field, name)
            return value
        match field.kind:
            case FieldKind.PERSON:
                self.people(field, [value], name)
            case FieldKind.PEOPLE:
                self.number_of_people(field, value, name)
                self.people(field, value, name)
            case FieldKind.ORGANISATION:
                choices = self.entry.context.organisation_choices(field)
                if all(choice.id != value for choice in choices):
                    self.refuse(name, N_("不能选择这个组织，请从列出的组织中选择。"))
            case FieldKind.FILES:
                self.files(field, value, name)
        return value

    def missing(self, field: Field, name: str) -> None:
        """Say that something required is missing."""
        if field.kind is FieldKind.FILES:
            what = field.props.get("document") or field.label
            self.refuse(name, N_("请上传%(what)s。"), what=what)
        elif field.kind in _SELECTED:
            self.refuse(name, N_("请选择%(what)s。"), what=field.label)
        else:
            self.refuse(name, N_("请填写%(what)s。"), what=field.label)

    def rows(self, field: Field, rows: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
        """Check the rows of a dynamic list."""
        least = int(field.props.get("min", "1" if field.required else "0"))
        most = field.props.get("max")
        if len(rows) < least:
            self.refuse(
                name, N_("至少填写 %(least)s 行，现有 %(n)s 行。"), least=least, n=len(rows)
            )
        if most is not None and len(rows) > int(most):
            self.refuse(name, N_("最多填写 %(most)s 行，现有 %(n)s 行。"), most=most, n=len(rows))
        checked = [
            self.level(field.children, row or {}, f"{name}-{index}.")
            for index, row in enumerate(rows)
        ]
        match field.props.get("domain"):
            case "rectification":
                self._due_days(checked, name)
            case "open_items":
                check_answers(field, checked, name, self.entry.context, self.refuse)
            case "indicators":
                return frozen_rows(field, checked, name, self.entry.context, self.refuse)
        return checked

    def _due_days(self, rows: Sequence[Mapping[str, Any]], name: str) -> None:
        """Refuse what would have to be put right before it was found."""
        day = self.entry.context.occurred_on.isoformat()
        for index, row in enumerate(rows):
            if row.get("due") and row["due"] < day:
                self.refuse(f"{name}-{index}.due", N_("整改期限不能早于发现问题的日期。"))

    # --- people and files -----------------------------------------------------------------------

    def number_of_people(self, field: Field, people: Sequence[int], name: str) -> None:
        """Check how many people were chosen."""
        least, most = int(field.props.get("min", 0)), int(field.props.get("max", 10**6))
        if least <= len(people) <= most:
            return
        if least == most:
            wanted = N_("须选择 %(least)s 人，现为 %(n)s 人。")
        elif len(people) < least:
            wanted = N_("至少选择 %(least)s 人，现为 %(n)s 人。")
        else:
            wanted = N_("最多选择 %(most)s 人，现为 %(n)s 人。")
        self.refuse(name, wanted, least=least, most=most, n=len(people))

    def people(self, field: Field, people: Sequence[int], name: str) -> None:
        """Check that each person may be chosen on the day of the step."""
        context = self.entry.context
        for number, person in enumerate(people, 1):
            if field.flag("not_subject") and person == context.subject_id:
                self.refuse(name, N_("不能选择当事人本人，请另选他人。"))
            elif not may_be_among(field, context.variables, person):
                self.refuse(name, N_("只能从前面定下的名单中选择，请另选。"))
            elif context.find_person(person, field) is None:
                self.refuse(
                    name,
                    N_("所选第 %(number)s 人不符合要求：须为%(who)s，请重新选择。")
                    if len(people) > 1
                    else N_("所选的人不符合要求：须为%(who)s，请重新选择。"),
                    number=number,
                    who=self._who(field),
                )

    def _who(self, field: Field) -> str:
        codes = [code.strip() for code in field.props.get("status", "").split(",")]
        labels = [status.label for status in MembershipStatus if status.value in codes]
        return Sentence(
            N_("%(day)s 当日%(scope)s的%(status)s"),
            day=self.entry.context.occurred_on.isoformat(),
            scope=_SCOPE_WORDS.get(field.props.get("scope", "branch"), ""),
            status=tuple(labels) or N_("人员"),
        )

    def files(self, field: Field, files: Sequence[int], name: str) -> None:
        """Check the attachments."""
        if len(files) > 1 and not field.flag("multiple"):
            self.refuse(name, N_("只能上传 1 个文件，现有 %(n)s 个。"), n=len(files))
        usable = self.entry.context.usable(files) if files else ()
        for number, attachment in enumerate(files, 1):
            if attachment not in usable:
                self.refuse(name, N_("第 %(number)s 个文件已失效，请重新上传。"), number=number)

    def ballot(self, field: Field, name: str) -> dict[str, Any] | None:
        """Return the count of a secret ballot: of the box, never of what was sent."""
        count = self.entry.context.ballots.get(field.key)
        if count is None:
            if field.required:
                self.refuse(name, N_("还没有投票和计票，请先组织投票。"))
            return None
        if not adds_up(count):
            self.refuse(name, N_("选票数不平：有效、无效、未交回之和须等于发出数。"))
        return dict(count)

    # --- meetings -------------------------------------------------------------------------------

    def _note(self, name: str, found: Problems) -> None:
        for path, sentences in found.items():
            self.problems.setdefault(f"{name}.{path}" if path else name, []).extend(sentences)

    def _wrong_below(self, name: str) -> bool:
        return any(path.startswith((f"{name}.", f"{name}-")) for path in self.problems)

    def attendance(self, field: Field, part: Any, name: str) -> dict[str, Any] | None:
        """Reckon an attendance."""
        if self._wrong_below(name):
            return None
        if not part or not (part.get("present") or part.get("excluded")):
            if field.required:
                self.refuse(name, N_("请登记到会人员。"))
            return None
        attendance, found = self.entry.reckon_attendance(field, part)
        self._note(name, found)
        return attendance.as_data() if attendance else None

    def vote(self, field: Field, part: Any, name: str) -> dict[str, Any] | None:
        """Reckon a vote."""
        if self._wrong_below(name):
            return None
        part = part or {}
        counts = counts_of(part)
        nothing = all(value is None for value in counts.values())
        meeting = None
        earlier = "attendance_before" in field.props
        if earlier or self.entry.meeting_field(field).key not in self.entry.hidden:
            meeting = self.entry.meeting_of(field)
        if meeting is None:
            # The attendance has its own sentence; without it there is nothing to reckon with.
            if not nothing:
                self.refuse(name, N_("请先登记到会情况，再填写票数。"))
            elif field.required:
                self.refuse(name, N_("请先登记到会情况。"))
            return None
        if nothing and not field.required and meeting.quorate:
            return None
        vote, found = self.entry.reckon_vote(field, part, meeting)
        self._note(name, found)
        return vote.as_data() if vote else None
