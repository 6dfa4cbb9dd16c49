"""The short way of reading what programs send says and refuses exactly what marshmallow does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from web.api.attachments import UploadQuery
from web.api.fields import Shape
from web.api.incidents import IncidentQuery
from web.api.instances import InstanceQuery, MessageBody, ReasonBody, StartBody
from web.api.organisations import OrganisationQuery
from web.api.people import PersonQuery
from web.api.tasks import (
    CompleteBody,
    DelegateBody,
    DraftBody,
    SendBackBody,
    TaskDetailQuery,
    TaskQuery,
)

SHAPES = [
    *(UploadQuery, IncidentQuery, InstanceQuery, MessageBody, ReasonBody, StartBody),
    *(OrganisationQuery, PersonQuery, CompleteBody, DelegateBody, DraftBody, SendBackBody),
    *(TaskDetailQuery, TaskQuery),
]
VALUES = st.one_of(
    *(st.none(), st.booleans(), st.integers(-3, 200), st.floats(allow_nan=False)),
    *(st.text(max_size=5), st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)),
    st.sampled_from(["20", "0", "2026-11-22", "2026-02-30", "todo", "member_admission", "x" * 201]),
    st.lists(st.integers(), max_size=2),
)


def outcome(read: Any, given: Any) -> tuple[Any, Any]:
    try:
        return read(given), None
    except ValidationError as error:
        return None, error.messages


@pytest.mark.parametrize("shape", SHAPES)
@given(data=st.data())
def test_reading_is_loading(shape: type[Shape], data: st.DataObject) -> None:
    loader = shape()
    names = st.sampled_from([*loader.load_fields, "unknown"])
    given = data.draw(st.one_of(st.dictionaries(names, VALUES, max_size=6), VALUES))
    assert outcome(loader.read, given) == outcome(loader.load, given)
