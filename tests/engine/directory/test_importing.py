"""Importing a workbook: all is checked before anything is written, and twice is once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.directory.accounts import authenticate
from engine.directory.actors import Actor, load_actor
from engine.directory.codes import MembershipStatus, PostKind
from engine.directory.importing import (
    AlreadyImported,
    Imported,
    WrongRows,
    forget_old_uploads,
    get_upload,
    import_directory,
    keep_upload,
    plan_import,
)
from engine.directory.imports.columns import PEOPLE
from engine.directory.imports.reading import read_workbook
from engine.directory.membership import standing_on, timeline
from engine.directory.models import Account, Membership, Organisation, Person, Post
from engine.errors import Conflict, NotFound
from engine.ledger.models import LedgerEntry
from tests.engine.directory.conftest import Factory
from tests.workbooks import workbook

TREE = [
    ("T", "和风镇党委", "党委", None, "是"),
    ("T1", "石桥村党支部", "党支部", "T", "否"),
    ("T2", "河口村党支部", "党支部", "T", None),
]
PEOPLE_ROWS = [
    ("R1", "李一", "T1", "2015-01-10", date(2017, 5, 4), None),
    ("R2", "王二", "T1", "2025年3月1日", None, None),
    ("R3", "赵三", "T2", None, None, None),
]
POSTS_ROWS = [("R1", "T1", "书记", "2024-06-01", None)]
ACCOUNTS_ROWS = [("R1", "liyi")]

Import = Callable[..., Imported]


def town(**changes: Any) -> dict[str, Any]:
    """Return the sheets of a small town, some of them replaced."""
    return {
        "党组织": TREE,
        "人员": PEOPLE_ROWS,
        "职务": POSTS_ROWS,
        "账号": ACCOUNTS_ROWS,
    } | changes


@pytest.fixture
def bring_in(session: Session, clock: FixedClock) -> Import:
    """Import the sheets of a workbook, as the terminal does unless an actor is given."""

    def run(actor: Actor | None = None, **sheets: Any) -> Imported:
        book = read_workbook(workbook(**sheets))
        return import_directory(clock, actor, book, plan_import(session, clock, actor, book))

    return run


def problems(error: pytest.ExceptionInfo[WrongRows]) -> list[tuple[str, int | None, str | None]]:
    """Return where the mistakes are."""
    return [(m.sheet, m.row, m.column) for m in error.value.mistakes]


def person(session: Session, code: str) -> Person:
    session.expire_all()
    return session.scalars(select(Person).where(Person.code == code)).one()


def place(session: Session, code: str) -> Organisation:
    session.expire_all()
    return session.scalars(select(Organisation).where(Organisation.code == code)).one()


def counts(session: Session) -> list[int]:
    tables = (Organisation, Person, Membership, Post, Account, LedgerEntry)
    return [session.scalar(select(func.count()).select_from(t)) or 0 for t in tables]


# -- what an import does -----------------------------------------------------------------------


def test_an_empty_installation_is_filled(
    session: Session, clock: FixedClock, bring_in: Import
) -> None:
    done = bring_in(**town())
    branch = place(session, "T1")
    assert branch.path == f"{place(session, 'T').path}{branch.id}/"
    assert (branch.short_name, place(session, "T").can_approve_members) == ("石桥村党支部", True)
    one = person(session, "R1")
    assert [(p.status, p.since, p.organisation_id) for p in timeline(session, one.id)] == [
        ("applicant", date(2015, 1, 10), branch.id),
        ("full", date(2017, 5, 4), branch.id),
    ]
    assert standing_on(session, person(session, "R3").id, clock.today()).status == "none"
    actor = load_actor(session, clock.today(), person_id=one.id)
    assert [(post.kind, post.organisation_id) for post in actor.posts] == [
        (PostKind.SECRETARY, branch.id)
    ]
    (login,) = done.logins
    assert (login.name, login.login) == ("李一", "liyi")
    account_id = authenticate(clock, "liyi", login.password)
    assert session.get_one(Account, account_id).person_id == one.id


def test_every_change_is_recorded_without_names(session: Session, bring_in: Import) -> None:
    bring_in(**town())
    entries = session.scalars(select(LedgerEntry).order_by(LedgerEntry.seq)).all()
    kinds = [e.payload.split('"change":"')[1].split('"')[0] for e in entries if e.payload]
    assert kinds == [
        "import_directory",
        *["create_organisation"] * 3,
        *["register_person"] * 3,
        "appoint",
        "open_account",
    ]
    assert all("李一" not in (e.payload or "") and e.actor_id is None for e in entries)


def test_the_same_file_twice_changes_nothing(session: Session, bring_in: Import) -> None:
    bring_in(**town())
    before = counts(session)
    again = bring_in(**town())
    assert (again.plan.items, again.logins) == ((), ())
    assert again.plan.tally(PEOPLE).unchanged == 3
    assert counts(session) == before


def test_changed_rows_change_what_may_change(
    session: Session, clock: FixedClock, bring_in: Import
) -> None:
    bring_in(**town())
    done = bring_in(
        **town(
            党组织=[TREE[0], ("T1", "石桥村联合党支部", "党支部", "T", "否"), TREE[2]],
            人员=[
                ("R1", "李一", "T1", None, None, None),  # empty cells change nothing
                ("R2", "王贰", "T1", "2025-03-01", date(2026, 10, 1), None),
                ("R3", "赵三", "T1", None, None, None),
            ],
            职务=[("R1", "T1", "书记", "2024-06-01", "2026-11-01")],
        )
    )
    assert [(item.code, dict(item.values)) for item in done.plan.of(PEOPLE)] == [
        ("R2", {"name": "王贰"}),
        ("R3", {"organisation": "T1"}),
    ]
    assert place(session, "T1").name == "石桥村联合党支部"
    two = person(session, "R2")
    assert (two.name, standing_on(session, two.id, clock.today()).status) == ("王贰", "full")
    assert person(session, "R3").organisation_id == place(session, "T1").id
    assert session.scalars(select(Post.until)).one() == date(2026, 11, 1)


def test_an_organisation_moves_with_all_below_it(session: Session, bring_in: Import) -> None:
    group = ("T11", "第一党小组", "党小组", "T1", None)
    general = ("T3", "东片党总支", "党总支", "T", None)
    bring_in(**town(党组织=[*TREE, group]))
    moved = ("T1", "石桥村党支部", "党支部", "T3", "否")
    bring_in(党组织=[general, moved, group])
    assert place(session, "T1").parent_id == place(session, "T3").id
    assert place(session, "T11").path.startswith(place(session, "T3").path)


def test_a_transfer_needs_its_day(session: Session, clock: FixedClock, bring_in: Import) -> None:
    bring_in(**town())
    away = ("R1", "李一", "T2", None, None)
    with pytest.raises(WrongRows) as error:
        bring_in(人员=[(*away, None)])
    assert problems(error) == [("人员", 2, "转入日期")]
    bring_in(人员=[(*away, "2026-09-01")])
    one = person(session, "R1")
    new, old = place(session, "T2").id, place(session, "T1").id
    assert one.organisation_id == new
    assert standing_on(session, one.id, date(2026, 8, 31)).organisation_id == old
    assert standing_on(session, one.id, clock.today()).organisation_id == new
    before = counts(session)
    bring_in(人员=[(*away, "2026-09-01")])
    assert counts(session) == before


def test_who_came_from_elsewhere_is_on_no_roll_before(session: Session, bring_in: Import) -> None:
    bring_in(**town(人员=[*PEOPLE_ROWS, ("R4", "钱四", "T1", "2010-01-01", None, "2020-02-02")]))
    four = person(session, "R4").id
    assert standing_on(session, four, date(2019, 1, 1)).organisation_id is None
    assert standing_on(session, four, date(2020, 2, 2)).organisation_id == place(session, "T1").id


def test_a_known_person_without_number_is_found_by_identity_or_system_number(
    session: Session, make: Factory, bring_in: Import
) -> None:
    top = make.organisation("和风县委", kind="committee")
    first, second = make.person("管平", top), make.person("李一", top)
    second.identity_number = "11010519491231002X"
    session.flush()
    headings = {"人员": ("人员编号", "姓名", "公民身份号码", "所在党组织编码")}
    bring_in(
        headings=headings,
        人员=[
            (f"#{first.id}", "管平", None, top.code),
            ("R9", "李一", "11010519491231002x", top.code),
        ],
        职务=[("R9", top.code, "组织员", "2024-06-01")],
    )
    assert person(session, "R9").id == second.id
    assert session.scalar(select(func.count()).select_from(Person)) == 2
    with pytest.raises(WrongRows):
        bring_in(headings=headings, 人员=[("#999999", "某人", None, top.code)])


# -- mistakes ---------------------------------------------------------------------------------


def test_one_mistake_and_nothing_is_written(session: Session, bring_in: Import) -> None:
    before = counts(session)
    with pytest.raises(WrongRows) as error:
        bring_in(**town(账号=[("R1", "liyi"), ("R9", "nobody")]))
    assert problems(error) == [("账号", 3, "人员编号")]
    assert "没有编号为“R9”的人员" in str(error.value.mistakes[0])
    assert counts(session) == before


@pytest.mark.parametrize(
    ("sheet", "row", "column", "words"),
    [
        ("党组织", ("T4", "某支部", "党支部", "X", None), "上级编码", "没有编码为“X”的党组织"),
        ("党组织", ("T4", "某支部", "党支部", None, None), "上级编码", "只有一个最上级"),
        ("党组织", ("T1", "重复", "党支部", "T", None), "编码", "与第 3 行重复"),
        ("党组织", ("T4", "自己", "党支部", "T4", None), "上级编码", "自身"),
        ("人员", ("R4", "钱四", "T9", None, None, None), "所在党组织编码", "T9"),
        ("人员", ("R4", "钱四", "T1", "2026-11-23", None, None), "申请入党日期", "晚于今天"),
        (
            "人员",
            ("R4", "钱四", "T1", "2020-01-01", "2019-01-01", None),
            "转正日期",
            "应晚于“申请入党日期”",
        ),
        ("人员", ("R1", "李一", "T1", None, None, None), "人员编号", "与第 2 行重复"),
        ("职务", ("R2", "T1", "书记", "2024-06-01", "2023-01-01"), "卸任日期", "早于"),
        ("职务", ("R1", "T1", "书记", "2025-01-01", None), "任职日期", "与第 2 行"),
        ("账号", ("R2", "LiYi"), "用户名", "与第 2 行的用户名相同"),
        ("账号", ("R2", "a b"), "用户名", "2 至 64 个"),
    ],
)
def test_each_mistake_says_where_and_what(
    bring_in: Import, sheet: str, row: tuple[Any, ...], column: str, words: str
) -> None:
    sheets = town()
    sheets[sheet] = [*sheets[sheet], row]
    with pytest.raises(WrongRows) as error:
        bring_in(**sheets)
    assert problems(error) == [(sheet, len(sheets[sheet]) + 1, column)]
    assert words in str(error.value.mistakes[0].wrong)
    assert str(error.value.mistakes[0].cure)


def test_identity_numbers_are_checked(bring_in: Import) -> None:
    headings = {"人员": ("人员编号", "姓名", "所在党组织编码", "公民身份号码", "出生日期")}
    bring_in(党组织=TREE, headings=headings)
    with pytest.raises(WrongRows) as error:
        bring_in(
            headings=headings,
            人员=[
                ("R1", "甲", "T1", "110105194912310021", None),
                ("R2", "乙", "T1", "11010519491231002X", "1950-01-01"),
                ("R3", "丙", "T1", "11010519491231002X", None),
            ],
        )
    assert problems(error) == [
        ("人员", 2, "公民身份号码"),
        ("人员", 3, "出生日期"),
        ("人员", 4, "公民身份号码"),
    ]


def test_recorded_days_are_not_rewritten(session: Session, bring_in: Import) -> None:
    bring_in(**town())
    with pytest.raises(WrongRows) as error:
        bring_in(人员=[("R1", "李一", "T1", "2015-01-11", "2017-05-04", None)])
    assert problems(error) == [("人员", 2, "申请入党日期")]
    with pytest.raises(WrongRows) as error:
        bring_in(党组织=[("T1", "石桥村党支部", "党总支", "T", None)])
    assert problems(error) == [("党组织", 2, "类别")]
    with pytest.raises(WrongRows) as error:
        bring_in(账号=[("R1", "another")])
    assert problems(error) == [("账号", 2, "用户名")]


def test_a_circle_of_superiors_is_refused(bring_in: Import) -> None:
    bring_in(**town())
    with pytest.raises(WrongRows) as error:
        bring_in(
            党组织=[
                ("T1", "石桥村党支部", "党支部", "T2", None),
                ("T2", "河口村党支部", "党支部", "T1", None),
            ]
        )
    assert {column for _, _, column in problems(error)} == {"上级编码"}


# -- rights -----------------------------------------------------------------------------------


@pytest.fixture
def keeper(session: Session, clock: FixedClock, make: Factory, bring_in: Import) -> Actor:
    """The administrator of one town; another town lies beside it under the county."""
    bring_in(
        **town(
            党组织=[
                ("C", "和风县委", "党委", None, "是"),
                ("T", "和风镇党委", "党委", "C", "是"),
                *TREE[1:],
                ("E", "东山镇党委", "党委", "C", "是"),
            ],
            人员=[*PEOPLE_ROWS, ("E1", "孙五", "E", None, None, None)],
        )
    )
    admin = make.person("管平", place(session, "T"))
    make.post(admin, place(session, "T"), "administrator")
    return load_actor(session, clock.today(), person_id=admin.id)


def test_an_administrator_imports_into_his_own_part(
    session: Session, keeper: Actor, bring_in: Import
) -> None:
    bring_in(keeper, 人员=[("R8", "周八", "T2", None, None, None)])
    entry = session.scalars(select(LedgerEntry).order_by(LedgerEntry.seq.desc())).first()
    assert entry is not None
    assert entry.actor_id == keeper.person_id


@pytest.mark.parametrize(
    "sheets",
    [
        {"党组织": [("E2", "东山村党支部", "党支部", "E", None)]},
        {"党组织": [("T1", "石桥村党支部", "党支部", "E", None)]},
        {"党组织": [("C", "县委", "党委", None, None)]},
        {"人员": [("R8", "周八", "E", None, None, None)]},
        {"人员": [("E1", "孙五", "T1", None, None, None)]},
        {"职务": [("R1", "E", "书记", "2024-01-01", None)]},
        {"账号": [("E1", "sunwu")]},
    ],
)
def test_an_administrator_changes_nothing_elsewhere(
    session: Session, keeper: Actor, bring_in: Import, sheets: dict[str, Any]
) -> None:
    before = counts(session)
    with pytest.raises(WrongRows) as error:
        bring_in(keeper, **sheets)
    assert "不能" in str(error.value.mistakes[0].wrong)
    assert counts(session) == before


def test_a_mistake_tells_nothing_of_people_elsewhere(keeper: Actor, bring_in: Import) -> None:
    with pytest.raises(WrongRows) as error:
        bring_in(keeper, 人员=[("E1", "别名", "E", "2020-01-01", None, None)])
    assert len(error.value.mistakes) == 1
    assert "孙五" not in str(error.value.mistakes[0])


def test_nobody_gives_himself_a_post_or_a_status(
    session: Session, keeper: Actor, bring_in: Import
) -> None:
    me = f"#{keeper.person_id}"
    with pytest.raises(WrongRows):
        bring_in(keeper, 职务=[(me, "T", "书记", "2024-01-01", None)])
    with pytest.raises(WrongRows):
        bring_in(keeper, 人员=[(me, "管平", "T", "2001-01-01", None, None)])


# -- uploads ----------------------------------------------------------------------------------


def test_an_upload_is_confirmed_once(session: Session, clock: FixedClock, keeper: Actor) -> None:
    content = workbook(人员=[("R8", "周八", "T2", None, None, None)])
    upload = keep_upload(clock, keeper, "人员.xlsx", content)
    book = read_workbook(get_upload(session, keeper, upload).content or b"")
    plan = plan_import(session, clock, keeper, book)
    import_directory(clock, keeper, book, plan, upload_id=upload)
    with pytest.raises(AlreadyImported):
        import_directory(clock, keeper, book, plan, upload_id=upload)
    assert get_upload(session, keeper, upload).content is None
    assert session.scalar(select(func.count()).where(Person.code == "R8")) == 1


def test_what_changed_since_the_check_is_not_overwritten(
    session: Session, clock: FixedClock, keeper: Actor, bring_in: Import
) -> None:
    book = read_workbook(workbook(人员=[("R3", "赵叁", "T2", None, None, None)]))
    plan = plan_import(session, clock, keeper, book)
    bring_in(人员=[("R3", "赵散", "T2", None, None, None)])
    with pytest.raises(Conflict):
        import_directory(clock, keeper, book, plan)
    assert person(session, "R3").name == "赵散"


def test_uploads_are_private_and_forgotten(
    session: Session, clock: FixedClock, keeper: Actor
) -> None:
    content = workbook(人员=[("R8", "周八", "T2", None, None, None)])
    upload = keep_upload(clock, keeper, "人员.xlsx", content)
    other = load_actor(session, clock.today(), person_id=person(session, "R1").id)
    with pytest.raises(NotFound):
        get_upload(session, other, upload)
    assert forget_old_uploads(session, clock=clock) == 0
    clock.set(clock.now().replace(day=24))
    assert forget_old_uploads(session, clock=clock) == 1
    with pytest.raises(NotFound):
        get_upload(session, keeper, upload)


def test_statuses_have_a_column_each() -> None:
    headings = [c.heading for c in PEOPLE.columns if c.key.endswith("_on")]
    assert len(headings) == 1 + len(set(MembershipStatus) - {MembershipStatus.NONE})
