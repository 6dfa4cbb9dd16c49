"""The reading side: what pages and the API show. Every query asks the access policy first."""

from engine.runtime.queries.corrections import correction_view
from engine.runtime.queries.files import attachment, matter_documents
from engine.runtime.queries.inbox import MOST_COUNTED, inbox
from engine.runtime.queries.matters import (
    diagram_source,
    matter_view,
    matters,
    message_view,
    my_matters,
)
from engine.runtime.queries.readings import matter_readings, my_readings
from engine.runtime.queries.rolls import joinable, rolls
from engine.runtime.queries.starting import start_view, startable
from engine.runtime.queries.tasks import task_view

__all__ = [
    "MOST_COUNTED",
    "attachment",
    "correction_view",
    "diagram_source",
    "inbox",
    "joinable",
    "matter_documents",
    "matter_readings",
    "matter_view",
    "matters",
    "message_view",
    "my_matters",
    "my_readings",
    "rolls",
    "start_view",
    "startable",
    "task_view",
]
