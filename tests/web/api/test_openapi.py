"""The description of the interface, held against the interface itself by schemathesis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from engine.definitions.versions import active_version
from tests.web.api.conftest import API, KEY, Town
from tests.web.api.test_ballots import open_ballot
from web.api.directory import WORKBOOK

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@schemathesis.serializer("application/zip", WORKBOOK)
def send_as_it_is(ctx: schemathesis.SerializationContext, value: Any) -> Any:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@dataclass
class Described:
    """The described interface, tokens for it, and ids of things that exist."""

    schema: Any
    tokens: tuple[str, ...]
    real: Mapping[str, tuple[Any, ...]]

    def check(self, case: schemathesis.Case) -> None:
        """Send a request and hold the answer against the description; then send it tokenless."""
        # Ids that are made up are hardly ever real: every other one is exchanged.
        for name, value in dict(case.path_parameters or {}).items():
            real = self.real[name]
            if len(str(value)) % 2:
                case.path_parameters[name] = real[len(str(value)) % len(real)]
        token = self.tokens[len(str(case.query)) % len(self.tokens)]
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)
        if not case.operation.path.endswith("/openapi.json"):
            assert case.call(headers={"Authorization": ""}).status_code == 401


@pytest.fixture
def described(town: Town) -> Described:
    """An interface with something behind it."""
    instances, tasks = zip(town.start(), town.start("member_two"), strict=True)
    config = schemathesis.Config.from_dict({})
    schema = schemathesis.openapi.from_wsgi(f"{API}/openapi.json", town.app, config=config)
    names = ("secretary", "administrator")
    return Described(
        schema,
        tuple(str(town.program(name).token) for name in names),
        {
            "instance_id": instances,
            "task_id": tasks,
            "organisation_id": tuple(town.places.values()),
            "person_id": tuple(town.people.values()),
            "attachment_id": (1,),
            "paper_id": ("full_record", "notice"),
            "incident_id": (1,),
            "finding_id": (1,),
            "notice_id": (1,),
            "item_id": (1,),
            "ballot_id": (open_ballot(town).id,),
            "version_id": (active_version(town.session, KEY),),
            "key": (KEY,),
            "regulation_id": ("admission_rules",),
            "form": ("first_talk",),
            "element": ("first_talk",),
        },
    )


SETTINGS = hypothesis.settings(
    max_examples=10,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


# schemathesis leaves the file of a download open.
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_every_operation_answers_as_described(
    described: Described, mode: schemathesis.GenerationMode
) -> None:
    """Sound requests and unsound ones. The whole run is one test: its data is made once."""
    count = 0
    for found in described.schema.get_all_operations():
        operation = found.ok()
        try:
            cases = operation.as_strategy(generation_mode=mode)

            @SETTINGS
            @hypothesis.given(case=cases)
            def check(case: schemathesis.Case) -> None:
                described.check(case)

            check()
        except hypothesis.errors.Unsatisfiable:
            continue  # there is no unsound request for it
        count += 1
    assert count > 20


def test_the_description_is_public_and_complete(town: Town) -> None:
    response = town.app.test_client().get(f"{API}/openapi.json")
    assert response.status_code == 200
    document = response.get_json()
    assert document["openapi"].startswith("3.1")
    operations = [
        operation
        for path in document["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict)
    ]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names) > 30
    assert all("401" in operation["responses"] for operation in operations)
    assert all(operation["summary"] for operation in operations)
