"""What people do about a finding: what it leaves in the ledger, takes, and makes of the finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from engine.compliance.findings import FindingState
from engine.directory.policy import Action
from engine.errors import N_, InvalidInput
from engine.ledger.kinds import EntryKind

MOST_WORDS: Final = 4000


@dataclass(frozen=True)
class Deed:
    """Something that people do about a finding, always with words."""

    name: str
    """Of the command, and in addresses."""
    kind: EntryKind
    action: Action
    state: FindingState


ASK = Deed("ask", EntryKind.ASKED, Action.ASK_EXPLANATION, FindingState.ASKED)
EXPLAIN = Deed("explain", EntryKind.EXPLAINED, Action.GIVE_EXPLANATION, FindingState.EXPLAINED)
CONCLUDE = Deed("conclude", EntryKind.CONCLUDED, Action.CONCLUDE_FINDING, FindingState.CONCLUDED)
WAIVE = Deed("waive", EntryKind.WAIVED, Action.WAIVE_FINDING, FindingState.WAIVED)

ACTIONS: Final[Mapping[str, Action]] = {
    deed.name: deed.action for deed in (ASK, EXPLAIN, CONCLUDE, WAIVE)
}


def checked_words(words: str) -> str:
    """Return the words as they are kept. Raises InvalidInput when there are none or too many."""
    if not words.strip():
        raise InvalidInput({"text": [N_("请写明内容。")]})
    if len(words) > MOST_WORDS:
        raise InvalidInput({"text": [N_("最多填写 4000 个字。")]})
    return words.strip()
