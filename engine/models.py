"""Imports every module that declares tables, so that the metadata is complete."""

from importlib import import_module

ROOMS = (
    "engine.ledger.models",
    "engine.directory.models",
    "engine.calendars.models",
    "engine.attachments.models",
    "engine.forms.models",
    "engine.definitions.models",
    "engine.compliance.models",
    "engine.compliance.parameter_models",
    "engine.compliance.regulation_models",
    "engine.runtime.models",
    "engine.ballots.models",
    "engine.runtime.rectification.models",
    "engine.duties.models",
    "engine.notifications.models",
)

for room in ROOMS:
    import_module(room)
