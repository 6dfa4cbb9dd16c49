"""Imports every module that declares tables, so that the metadata is complete."""

from importlib import import_module
from importlib.util import find_spec

ROOMS = (
    "engine.ledger.models",
    "engine.directory.models",
    "engine.calendars.models",
    "engine.attachments.models",
    "engine.forms.models",
    "engine.definitions.models",
    "engine.runtime.models",
)

for room in ROOMS:
    if find_spec(room):
        import_module(room)
