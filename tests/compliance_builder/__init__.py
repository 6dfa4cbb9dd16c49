"""A lawful, complete matter of member admission, from which a test changes one thing.

Three of them: wholly under the 2014 edition, wholly under the 2026 edition, and one that crosses
2026-05-18. Nothing here touches a database.
"""

from tests.compliance_builder.admission import (
    admission,
    extended,
    lawful,
    lawful_2014,
    lawful_2026,
    lawful_crossing,
)
from tests.compliance_builder.cast import (
    APPROVER,
    BRANCH,
    COMMITTEE,
    CONTACT,
    COUNTY,
    INTRODUCER,
    MEMBERS,
    ORGANISER,
    PROBATIONARY_MEMBER,
    RECORDER,
    SECRETARY,
    SUBJECT,
    SUPERIOR,
)
from tests.compliance_builder.judging import (
    breaches,
    judge,
    result,
)
from tests.compliance_builder.law import (
    HOLIDAYS,
    PROCESSES,
    SHIPPED,
    book,
    parameters,
    regulations,
)
from tests.compliance_builder.matter import (
    Matter,
    Step,
)
from tests.compliance_builder.meetings import (
    VOID,
    attendance,
    vote,
    witnesses,
)

__all__ = [
    "APPROVER",
    "BRANCH",
    "COMMITTEE",
    "CONTACT",
    "COUNTY",
    "HOLIDAYS",
    "INTRODUCER",
    "MEMBERS",
    "ORGANISER",
    "PROBATIONARY_MEMBER",
    "PROCESSES",
    "RECORDER",
    "SECRETARY",
    "SHIPPED",
    "SUBJECT",
    "SUPERIOR",
    "VOID",
    "Matter",
    "Step",
    "admission",
    "attendance",
    "book",
    "breaches",
    "extended",
    "judge",
    "lawful",
    "lawful_2014",
    "lawful_2026",
    "lawful_crossing",
    "parameters",
    "regulations",
    "result",
    "vote",
    "witnesses",
]
