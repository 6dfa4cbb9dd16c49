"""The committee of the year: its branches, who is in them, and who comes, goes and ends.

This is data. What the directory is told of it is made in :mod:`tests.year.directory`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

YEAR: Final = 2026
BEGINS: Final = date(2025, 12, 22)
"""The procedures are deployed and the directory is entered before the year begins."""

COUNTY, COMMITTEE, ELSEWHERE, OTHER_TOWN = "1", "QS", "LZ", "LZ01"


@dataclass(frozen=True)
class Branch:
    """A branch. Person 1 is its secretary, 2 organisation and, with a committee, 3 publicity."""

    key: str
    name: str
    full: int
    probationary: int = 0
    kind: str = "党支部"
    committee: bool = False
    groups: int = 0
    founded: date | None = None
    dissolved: date | None = None
    """The first day on which it exists no more."""

    @property
    def size(self) -> int:
        """Return how many members it has at first."""
        return self.full + self.probationary

    @property
    def people(self) -> tuple[str, ...]:
        """Return the numbers of its people, full members first."""
        return tuple(f"{self.key}-{n}" for n in range(1, self.size + 1))

    @property
    def secretary(self) -> str:
        """Return the number of its secretary."""
        return f"{self.key}-1"

    @property
    def recorder(self) -> str:
        """Return the number of its organisation commissioner."""
        return f"{self.key}-2"

    @property
    def committee_people(self) -> tuple[str, ...]:
        """Return those who form its committee."""
        return self.people[: 3 if self.committee else 2]

    def group(self, number: int) -> str:
        """Return the code of one of its groups."""
        return f"{self.key}X{number}"

    def group_people(self, number: int) -> tuple[str, ...]:
        """Return the people of one of its groups; the first leads it."""
        return self.people[number - 1 :: self.groups]


BRANCHES: Final = (
    Branch("B01", "机关党支部", full=8, probationary=1, committee=True, groups=2),
    Branch("B02", "石桥村党支部", full=7, probationary=1, committee=True),
    Branch("B03", "枫林村党支部", full=7, committee=True),
    Branch("B04", "河口村党支部", full=5),
    Branch("B05", "北山村党支部", full=5, probationary=1),
    Branch("B06", "南塘村党支部", full=7, committee=True),
    Branch("B07", "中心小学党支部", full=5),
    Branch("B08", "卫生院党支部", full=4),
    Branch("B09", "商贸企业联合党支部", full=4, kind="联合党支部"),
    Branch("B10", "农机站党支部", full=4),
    Branch("B11", "水库工地临时党支部", full=3, kind="临时党支部"),
    Branch("B12", "供销社党支部", full=3, dissolved=date(YEAR, 7, 1)),
    Branch("B13", "新城社区党支部", full=3, founded=date(YEAR, 7, 1)),
)
BY_KEY: Final = {branch.key: branch for branch in BRANCHES}

SUPERIORS: Final = (
    # number, name, post, where
    ("S1", "陈立", "书记", COMMITTEE),
    ("S2", "林芳", "组织委员", COMMITTEE),
    ("S3", "何平", "组织员", COMMITTEE),
    ("S4", "许正", "督查员", COUNTY),
    ("S5", "方宁", "组织部门", COUNTY),
    ("S6", "李云", "副书记", COMMITTEE),
    ("S7", "孙正", "纪检委员", COMMITTEE),
)
HEAD, ORGANISER, AUDITOR, DEPARTMENT, DEPUTY = "S1", "S2", "S4", "S5", "S6"
LEADERS: Final = ("S1", "S2", "S6", "S7")
"""The leading body of the committee; who works there is a member of the first branch."""
OFFICE: Final = "B01"

APPLICANTS: Final = (
    # number, name, branch: they are no members, and apply within the year
    ("A1", "李一", "B02"),
    ("A2", "张二", "B06"),
)


@dataclass(frozen=True)
class Move:
    """Somebody comes to a branch, or goes to another."""

    person: str
    name: str
    to: str
    day: date
    origin: str = OTHER_TOWN


MOVES: Final = (
    # The last three of the dissolved branch go to the school.
    Move("B12-1", "", "B07", date(YEAR, 6, 29), "B12"),
    Move("B12-2", "", "B07", date(YEAR, 6, 29), "B12"),
    Move("B12-3", "", "B07", date(YEAR, 6, 29), "B12"),
    # One leaves the committee in the middle of the year, one in the middle of a step.
    Move("B04-5", "", OTHER_TOWN, date(YEAR, 5, 18), "B04"),
    Move("B05-4", "", OTHER_TOWN, date(YEAR, 11, 11), "B05"),
    # Two come from another town; the second while a life meeting is being prepared.
    Move("N1", "安宁", "B10", date(YEAR, 4, 20)),
    Move("N2", "路远", "B05", date(YEAR, 11, 9)),
)


def members(key: str, day: date, *, full: bool = False) -> list[str]:
    """Return who is a member of a branch on a day, in the diary's own reckoning."""
    branch = BY_KEY[key]
    found = list(branch.people[: branch.full] if full else branch.people)
    if key == OFFICE:
        found += [code for code, _, _, place in SUPERIORS if place == COMMITTEE]
    for move in MOVES:
        if move.day <= day and move.origin == key:
            found.remove(move.person)
        if move.day <= day and move.to == key:
            found.append(move.person)
    return found
