"""Changes to the directory: each command asks the policy, acts, and leaves a ledger entry.

Every command is one unit of work. Entries hold ids and codes, never names or numbers of people.
"""

from engine.directory.operations.accounts import (
    disable_account,
    enable_account,
    end_account_sessions,
    open_account,
    reset_password,
)
from engine.directory.operations.organisations import (
    change_organisation,
    create_organisation,
    dissolve_organisation,
    relocate_organisation,
)
from engine.directory.operations.people import (
    change_person,
    correct_status,
    lift_restriction,
    register_person,
    restrict_rights,
)
from engine.directory.operations.posts import appoint, end_post, lend_posts, take_posts_back
from engine.directory.operations.recording import CHAIN

__all__ = [
    "CHAIN",
    "appoint",
    "change_organisation",
    "change_person",
    "correct_status",
    "create_organisation",
    "disable_account",
    "dissolve_organisation",
    "enable_account",
    "end_account_sessions",
    "end_post",
    "lend_posts",
    "lift_restriction",
    "open_account",
    "register_person",
    "relocate_organisation",
    "reset_password",
    "restrict_rights",
    "take_posts_back",
]
