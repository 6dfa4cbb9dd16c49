"""What is decided locally about duties: the parameters, and what counts where none is deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from engine.compliance.parameters import Parameter, ParameterValue, ParameterView, Settings, Value
from engine.definitions.duties import Amount

DRAFT_DAYS: Final = "duty_draft_days"
REMIND_DAYS: Final = "duty_remind_days"
DRAFTS: Final = "duty_drafts"
PART: Final = "duty_part_period"
MAKE_UP: Final = "duty_make_up_months"
SINCE: Final = "duty_since"

USUAL: Final[Mapping[str, Value]] = {
    DRAFT_DAYS: 20,
    REMIND_DAYS: 7,
    DRAFTS: True,
    PART: "next",
    MAKE_UP: 3,
    SINCE: "2000-01-01",
}
"""What counts in an installation in which no parameters are deployed."""
OWED: Final = "owed"
"""Of :data:`PART`: a part of a period counts like a whole one."""


@dataclass(frozen=True)
class Local:
    """The parameters as they are for an organisation; asked once each."""

    view: ParameterView
    day: date
    _known: dict[str, Any] = field(default_factory=dict, compare=False)

    def value(self, name: str) -> Value:
        """Return the value that counts; a parameter nobody declared has its usual one."""
        if name not in self._known:
            declared = name in self.view.declared
            self._known[name] = self.view.value(name, self.day).value if declared else USUAL[name]
        found: Value = self._known[name]
        return found

    def amount(self, amount: Amount) -> int:
        """Return a whole number, of a parameter or as it stands."""
        return int(self.value(amount)) if isinstance(amount, str) else amount

    def since(self) -> date | None:
        """Return the day from which the plan counts, where an organisation has said one."""
        if SINCE not in self.view.declared:
            return None
        value: ParameterValue = self.view.value(SINCE, self.day)
        return value.day if value.origin == "organisation" else None


def view_at(
    declared: Mapping[str, Parameter], settings: Settings, ancestry: tuple[int, ...]
) -> ParameterView:
    """Return the parameters for those whose superiors with settings are ``ancestry``."""
    return ParameterView(declared, settings, ancestry)
