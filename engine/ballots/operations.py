"""Open a box, keep its roll, take in ballots, count. In the caller's transaction, box locked.

A ballot is put in together with the mark on the roll, in one transaction, so that there are as many
ballots as marks. That links nothing: the transaction writes the whole box anew, every envelope in
another place, and what it wrote is sealed. No function here logs, or writes a ledger entry, about
one voter's ballot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from secrets import SystemRandom
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.orm import Session

from engine import sealing
from engine.ballots.codes import BoxState, Way
from engine.ballots.counting import PaperTotals, Roll, check_totals, count
from engine.ballots.errors import AlreadyVoted, BoxClosed, PaperIssued, PaperNotCounted
from engine.ballots.models import BallotBox, BallotVoter
from engine.ballots.paper import Opened, Paper, check_choices, decode, encode
from engine.ballots.receipts import in_letters, receipt_code
from engine.database import after_commit
from engine.errors import N_, InvalidInput, NotAllowed, NotFound

_RANDOM: Final = SystemRandom()

KEPT_SECONDS: Final = 3600
"""How long a key may lie without a box."""


def open_box(
    session: Session,
    *,
    instance_id: int,
    task_id: int,
    key: str,
    paper: Paper,
    roll: Mapping[int, str],
    min_size: int,
    published: bool,
    day: date,
) -> int:
    """Open a box for a task: ``roll`` is who may vote, with the category of each."""
    uid = uuid4()
    box_id: int = session.execute(
        insert(BallotBox)
        .values(
            uid=uid,
            instance_id=instance_id,
            task_id=task_id,
            key=key,
            state=BoxState.OPEN,
            paper=paper.as_data(),
            min_size=min_size,
            published=published,
            public_key=sealing.new_key(uid),
            sealed=b"",
            tellers=[],
            opened_on=day,
        )
        .returning(BallotBox.id)
    ).scalar_one()
    add_voters(session, box_id, roll)
    return box_id


def add_voters(session: Session, box_id: int, roll: Mapping[int, str]) -> None:
    """Put people on the roll."""
    if roll:
        # In the order of the numbers, whatever order the caller had.
        session.execute(
            insert(BallotVoter),
            [
                {"box_id": box_id, "person_id": who, "category": roll[who], "struck": False}
                for who in sorted(roll)
            ],
        )


def lock_box(session: Session, box_id: int) -> BallotBox:
    """Return the box as it is now; nobody else changes it until the transaction ends."""
    box = session.scalars(
        select(BallotBox)
        .where(BallotBox.id == box_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if box is None:
        raise NotFound
    return box


def paper_of(box: BallotBox) -> Paper:
    """Return what the box asks."""
    return Paper.from_data(box.paper)


def cast_ballot(
    session: Session,
    box: BallotBox,
    person_id: int,
    given: Mapping[str, Sequence[str]],
    *,
    secret: str,
    day: date,
) -> str:
    """Put one voter's ballot into the locked box; return the receipt code.

    ``secret`` is that of the voter's sign-in, see receipts.py. Raises BoxClosed, NotAllowed for who
    is not on the roll, AlreadyVoted, InvalidInput.
    """
    _still_open(box)
    category, way = _voter(session, box.id, person_id)
    if way is not None:
        raise PaperIssued if way == Way.PAPER else AlreadyVoted
    paper = paper_of(box)
    choices, problems = check_choices(paper, given)
    if problems:
        raise InvalidInput(problems)
    code = receipt_code(box.uid, secret)
    envelope = sealing.seal(encode(paper, choices, category, code), box.public_key, box.uid)
    envelopes = [*_envelopes(box, paper), envelope]
    _RANDOM.shuffle(envelopes)
    _mark(session, box.id, person_id, Way.ELECTRONIC, day)
    session.execute(
        update(BallotBox).where(BallotBox.id == box.id).values(sealed=b"".join(envelopes))
    )
    return in_letters(code)


def issue_paper(session: Session, box: BallotBox, people: Sequence[int], day: date) -> None:
    """Note who was handed a paper ballot; they cannot vote electronically any more."""
    _still_open(box)
    _not_yet_counted(box)
    for person_id in dict.fromkeys(people):
        _, way = _voter(session, box.id, person_id)
        if way is not None:
            raise AlreadyVoted(N_("所选的人中有人已经投票或已领纸质票，请刷新页面后再选。"))
        _mark(session, box.id, person_id, Way.PAPER, day)


def strike_voter(session: Session, box: BallotBox, person_id: int) -> None:
    """Take somebody off the roll who has not voted: he has left, or lost the right."""
    _still_open(box)
    _, way = _voter(session, box.id, person_id)
    if way is not None:
        raise AlreadyVoted(N_("此人已经投票或已领纸质票，不能再从名册中划去。"))
    session.execute(_line(box.id, person_id).values(struck=True))


def admit_voter(session: Session, box: BallotBox, person_id: int, category: str) -> None:
    """Put somebody on the roll who came later, or was struck by mistake."""
    _still_open(box)
    if category not in paper_of(box).categories or category in paper_of(box).by_hand:
        raise InvalidInput({"category": [N_("请从列出的选项中选择。")]})
    known = session.get(BallotVoter, (box.id, person_id), populate_existing=True)
    if known is None:
        add_voters(session, box.id, {person_id: category})
    elif known.struck:
        session.execute(_line(box.id, person_id).values(struck=False, category=category))
    else:
        raise InvalidInput({"person": [N_("此人已在名册上。")]})


def appoint_tellers(session: Session, box: BallotBox, people: Sequence[int]) -> None:
    """Say who counts the paper ballots: two persons or more, before they begin."""
    _still_open(box)
    _not_yet_counted(box)
    if len(set(people)) < 2:
        raise InvalidInput({"tellers": [N_("计票人至少两名，一人登记、另一人核对。")]})
    session.execute(
        update(BallotBox).where(BallotBox.id == box.id).values(tellers=sorted(set(people)))
    )


def enter_totals(
    session: Session, box: BallotBox, teller_id: int, given: Mapping[str, int | None]
) -> None:
    """Note what the first teller counted; what another had entered before is replaced."""
    _still_open(box)
    _by_teller(box, teller_id)
    _not_yet_counted(box)
    totals, problems = check_totals(paper_of(box), rolls_of(session, box.id), given)
    if not totals and not problems:
        problems[""] = [N_("没有发出纸质票，不能登记纸质票数。")]
    if problems:
        raise InvalidInput(problems)
    kept = {name: value for name, value in given.items() if value is not None}
    session.execute(
        update(BallotBox).where(BallotBox.id == box.id).values(totals=kept, paper_by=teller_id)
    )


def confirm_totals(session: Session, box: BallotBox, teller_id: int) -> None:
    """Let the second teller confirm. Raises NotAllowed for the one who entered them."""
    _still_open(box)
    _by_teller(box, teller_id)
    _not_yet_counted(box)
    if box.totals is None:
        raise PaperNotCounted(N_("还没有登记纸质票数，无从核对。"))
    if box.paper_by == teller_id:
        raise NotAllowed(N_("登记和核对须由两名计票人分别进行，您已登记，请另一名计票人核对。"))
    session.execute(
        update(BallotBox).where(BallotBox.id == box.id).values(paper_confirmed_by=teller_id)
    )


def reject_totals(session: Session, box: BallotBox, teller_id: int) -> None:
    """Let a teller put the totals back to be entered anew: they do not agree with the ballots."""
    _still_open(box)
    _by_teller(box, teller_id)
    session.execute(
        update(BallotBox)
        .where(BallotBox.id == box.id)
        .values(totals=None, paper_by=None, paper_confirmed_by=None)
    )


def close_box(session: Session, box: BallotBox, day: date) -> dict[str, Any]:
    """Open the envelopes of the locked box, count, and leave nothing of them.

    The key is destroyed once the transaction is committed; what was written of the box before can
    then be opened by nobody. Raises BoxClosed, PaperNotCounted, KeyMissing, EnvelopeDamaged.
    """
    _still_open(box)
    paper = paper_of(box)
    totals: Mapping[str, PaperTotals] = {}
    rolls = rolls_of(session, box.id)
    if any(roll.on_paper for roll in rolls.values()) or box.totals is not None:
        if box.totals is None or box.paper_confirmed_by is None:
            raise PaperNotCounted
        totals, problems = check_totals(paper, rolls, box.totals)
        if problems:
            raise PaperNotCounted(N_("登记的纸质票数与现在的名册不符，请计票人退回后重新登记。"))
    ballots = _open_envelopes(box, paper)
    if len(ballots) != _marks(session, box.id):
        raise sealing.EnvelopeDamaged
    result = count(
        paper,
        rolls,
        [(ballot.category, ballot.choices) for ballot in ballots],
        totals,
        min_size=box.min_size,
    )
    session.execute(
        update(BallotBox)
        .where(BallotBox.id == box.id)
        .values(
            state=BoxState.CLOSED,
            sealed=b"",
            totals=None,
            closed_on=day,
            result=result,
            receipts=sorted(in_letters(ballot.code) for ballot in ballots),
        )
    )
    after_commit(session, lambda: sealing.destroy_key(box.uid))
    return result


def void_box(session: Session, box: BallotBox, day: date) -> None:
    """Throw the ballots away unread: the task was taken back, or something was wrong."""
    if box.state != BoxState.OPEN:
        return
    session.execute(
        update(BallotBox)
        .where(BallotBox.id == box.id)
        .values(state=BoxState.VOID, sealed=b"", totals=None, closed_on=day)
    )
    after_commit(session, lambda: sealing.destroy_key(box.uid))


def destroy_spent_keys(session: Session) -> int:
    """Destroy the keys of boxes that are closed or never came to be: a crash may leave some.

    Young ones are left alone: their box may be about to be committed.
    """
    kept = sealing.kept_keys(older_than=KEPT_SECONDS)
    standing = set(
        session.scalars(
            select(BallotBox.uid).where(BallotBox.uid.in_(kept), BallotBox.state == BoxState.OPEN)
        )
    )
    spent = [uid for uid in kept if uid not in standing]
    for uid in spent:
        sealing.destroy_key(uid)
    return len(spent)


def rolls_of(session: Session, box_id: int) -> dict[str, Roll]:
    """Return the numbers of the roll by category, those struck left out."""
    rows = session.execute(
        select(
            BallotVoter.category,
            func.count().filter(BallotVoter.way == Way.PAPER),
            func.count().filter(or_(BallotVoter.way.is_(None), BallotVoter.way != Way.PAPER)),
        )
        .where(BallotVoter.box_id == box_id, ~BallotVoter.struck)
        .group_by(BallotVoter.category)
    )
    return {category: Roll(online, on_paper) for category, on_paper, online in rows}


def _open_envelopes(box: BallotBox, paper: Paper) -> list[Opened]:
    contents = sealing.unseal(_envelopes(box, paper), box.uid)
    try:
        ballots = [decode(paper, content) for content in contents]
    except (ValueError, IndexError):
        raise sealing.EnvelopeDamaged from None
    if max(Counter(ballot.code for ballot in ballots).values(), default=1) > 1:
        # One sign-in votes once: a code twice is a ballot copied.
        raise sealing.EnvelopeDamaged
    return ballots


def _envelopes(box: BallotBox, paper: Paper) -> list[bytes]:
    size = paper.length + sealing.OVERHEAD
    return [box.sealed[at : at + size] for at in range(0, len(box.sealed), size)]


def _voter(session: Session, box_id: int, person_id: int) -> tuple[str, str | None]:
    found = session.execute(
        select(BallotVoter.category, BallotVoter.way).where(
            BallotVoter.box_id == box_id,
            BallotVoter.person_id == person_id,
            ~BallotVoter.struck,
        )
    ).one_or_none()
    if found is None:
        raise NotAllowed(N_("不在此次投票的名册上，不能投票。"))
    return found.category, found.way


def _line(box_id: int, person_id: int) -> Any:
    return update(BallotVoter).where(
        BallotVoter.box_id == box_id, BallotVoter.person_id == person_id
    )


def _mark(session: Session, box_id: int, person_id: int, way: Way, day: date) -> None:
    session.execute(_line(box_id, person_id).values(way=way, voted_on=day))


def _marks(session: Session, box_id: int) -> int:
    return int(
        session.scalar(
            select(func.count()).where(
                BallotVoter.box_id == box_id, BallotVoter.way == Way.ELECTRONIC
            )
        )
        or 0
    )


def _still_open(box: BallotBox) -> None:
    if box.state != BoxState.OPEN:
        raise BoxClosed


def _not_yet_counted(box: BallotBox) -> None:
    if box.paper_confirmed_by is not None:
        raise BoxClosed(N_("纸质票数已经两名计票人核对；如有差错，请计票人退回后重新登记。"))


def _by_teller(box: BallotBox, person_id: int) -> None:
    if person_id not in box.tellers:
        raise NotAllowed(N_("只有指定的计票人可以登记和核对纸质票数。"))
