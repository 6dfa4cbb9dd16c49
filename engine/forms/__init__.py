"""Forms: form-js files compiled to schemas, with the fields of our domain; drafts."""

from engine.forms.fields import (
    Field,
    FieldKind,
    FormContext,
    Limits,
    Option,
    OrganisationChoice,
    PersonChoice,
    walk,
)
from engine.forms.html import attendance_options, vote_inputs
from engine.forms.schema import FormSchema, compile_form
from engine.forms.words import Answer, Names

__all__ = [
    "Answer",
    "Field",
    "FieldKind",
    "FormContext",
    "FormSchema",
    "Limits",
    "Names",
    "Option",
    "OrganisationChoice",
    "PersonChoice",
    "attendance_options",
    "compile_form",
    "vote_inputs",
    "walk",
]
