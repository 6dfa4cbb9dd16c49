"""The invented county town: its organisations, their sizes, and what kind of people they have."""

from __future__ import annotations

from dataclasses import dataclass

from engine.directory.codes import OrganisationKind as Kind


@dataclass(frozen=True)
class Place:
    """An organisation of the demo. ``key`` begins its logins; ages are of its full members.

    The counts say how many people of each membership status belong to it.
    """

    key: str
    name: str
    short_name: str
    kind: Kind
    parent: str | None = None
    can_approve: bool = False
    workplace: str = ""
    ages: tuple[int, int] = (30, 60)
    full: int = 0
    probationary: int = 0
    prospect: int = 0
    activist: int = 0
    applicant: int = 0
    none: int = 0
    floating: int = 0
    term_years: int = 3
    term_ends_in: int = 400
    """Days from today until the committee's term ends; negative: the election is overdue."""


COUNTY = "xianwei"
TOWN = "zhen"

PLACES: tuple[Place, ...] = (
    Place(
        COUNTY,
        "中共云溪县委员会",
        "云溪县委",
        Kind.COMMITTEE,
        can_approve=True,
        term_years=5,
        term_ends_in=700,
    ),
    Place(
        "xianjiguan",
        "中共云溪县委机关支部委员会",
        "县委机关党支部",
        Kind.BRANCH,
        COUNTY,
        workplace="云溪县委机关",
        full=6,
        ages=(32, 56),
    ),
    Place(
        TOWN,
        "中共云溪县青石镇委员会",
        "青石镇党委",
        Kind.COMMITTEE,
        COUNTY,
        can_approve=True,
        term_years=5,
        term_ends_in=620,
    ),
    Place(
        "jiguan",
        "中共青石镇机关支部委员会",
        "镇机关党支部",
        Kind.BRANCH,
        TOWN,
        workplace="青石镇人民政府",
        ages=(26, 60),
        full=34,
        probationary=1,
        activist=2,
        applicant=2,
        none=5,
        term_ends_in=330,
    ),
    Place(
        "shiqiao",
        "中共青石镇石桥村支部委员会",
        "石桥村党支部",
        Kind.BRANCH,
        TOWN,
        workplace="石桥村",
        ages=(30, 86),
        full=32,
        probationary=1,
        prospect=1,
        activist=2,
        applicant=2,
        none=6,
        floating=4,
        term_years=5,
        term_ends_in=620,
    ),
    Place(
        "shiqiao1",
        "石桥村党支部第一党小组",
        "石桥村第一党小组",
        Kind.GROUP,
        "shiqiao",
    ),
    Place(
        "shiqiao2",
        "石桥村党支部第二党小组",
        "石桥村第二党小组",
        Kind.GROUP,
        "shiqiao",
    ),
    Place(
        "liuwan",
        "中共青石镇柳湾村支部委员会",
        "柳湾村党支部",
        Kind.BRANCH,
        TOWN,
        workplace="柳湾村",
        ages=(31, 84),
        full=24,
        probationary=1,
        activist=1,
        applicant=1,
        none=4,
        floating=3,
        term_years=5,
        term_ends_in=45,
    ),
    Place(
        "yuntai",
        "中共青石镇云台村支部委员会",
        "云台村党支部",
        Kind.BRANCH,
        TOWN,
        workplace="云台村",
        ages=(33, 82),
        full=18,
        prospect=1,
        activist=1,
        applicant=1,
        none=3,
        floating=2,
        term_years=5,
        term_ends_in=620,
    ),
    Place(
        "zhongxue",
        "中共青石中学支部委员会",
        "青石中学党支部",
        Kind.BRANCH,
        TOWN,
        workplace="青石中学",
        ages=(27, 59),
        full=26,
        probationary=2,
        prospect=1,
        activist=2,
        applicant=2,
        none=6,
        term_ends_in=210,
    ),
    Place(
        "weisheng",
        "中共青石镇中心卫生院支部委员会",
        "中心卫生院党支部",
        Kind.BRANCH,
        TOWN,
        workplace="青石镇中心卫生院",
        ages=(28, 59),
        full=20,
        probationary=1,
        prospect=1,
        activist=1,
        applicant=1,
        none=5,
        term_ends_in=500,
    ),
    Place(
        "qingxi",
        "中共云溪县清溪食品有限公司支部委员会",
        "清溪食品党支部",
        Kind.BRANCH,
        TOWN,
        workplace="清溪食品有限公司",
        ages=(26, 55),
        full=14,
        probationary=1,
        activist=1,
        applicant=2,
        none=4,
        term_ends_in=150,
    ),
    Place(
        "lianhe",
        "中共青石镇个体私营经济联合支部委员会",
        "个体私营经济联合党支部",
        Kind.JOINT_BRANCH,
        TOWN,
        workplace="青石镇个体私营企业",
        ages=(28, 58),
        full=9,
        activist=1,
        applicant=1,
        none=3,
        term_ends_in=-40,
    ),
    Place(
        "laoganbu",
        "中共青石镇老干部支部委员会",
        "老干部党支部",
        Kind.BRANCH,
        TOWN,
        workplace="（退休）",
        ages=(63, 90),
        full=21,
        term_ends_in=280,
    ),
    Place(
        "nongye",
        "中共青石镇农业服务中心支部",
        "农业服务中心党支部",
        Kind.BRANCH,
        TOWN,
        workplace="青石镇农业服务中心",
        ages=(29, 57),
        full=6,
        applicant=1,
        none=2,
        term_ends_in=360,
    ),
    Place(
        "shequ",
        "中共青石镇街道社区总支部委员会",
        "街道社区党总支",
        Kind.GENERAL_BRANCH,
        TOWN,
        term_ends_in=440,
    ),
    Place(
        "dongjie",
        "中共青石镇东街支部委员会",
        "东街党支部",
        Kind.BRANCH,
        "shequ",
        workplace="东街居民区",
        ages=(29, 81),
        full=14,
        prospect=1,
        activist=1,
        applicant=1,
        none=3,
        floating=1,
        term_ends_in=440,
    ),
    Place(
        "xijie",
        "中共青石镇西街支部委员会",
        "西街党支部",
        Kind.BRANCH,
        "shequ",
        workplace="西街居民区",
        ages=(30, 83),
        full=11,
        probationary=1,
        activist=1,
        applicant=1,
        none=3,
        term_ends_in=440,
    ),
)
