"""The closed sets of the directory: what they are stored as, and what people read."""

from __future__ import annotations

from engine.coded import Coded
from engine.errors import N_


class MembershipStatus(Coded):
    """Where a person stands with the Party (domain/14 §3)."""

    NONE = "none", N_("群众")
    APPLICANT = "applicant", N_("入党申请人")
    ACTIVIST = "activist", N_("入党积极分子")
    PROSPECT = "prospect", N_("发展对象")
    PROBATIONARY = "probationary", N_("预备党员")
    FULL = "full", N_("正式党员")
    LEFT = "left", N_("已出党")


PARTY_MEMBERS = frozenset({MembershipStatus.PROBATIONARY, MembershipStatus.FULL})
"""Who is a member of the Party. Probationary members have no vote."""


class RestrictionKind(Coded):
    """Why a full member has no right to vote for a time (domain/14 §3)."""

    PARTY_PROBATION = "party_probation", N_("留党察看")
    DETAINED = "detained", N_("权利中止")
    SUSPENDED = "suspended", N_("停止党籍")


class OrganisationKind(Coded):
    """Types of Party organisation (domain/14 §2)."""

    COMMITTEE = "committee", N_("党委")
    WORKING_COMMITTEE = "working_committee", N_("党工委")
    GENERAL_BRANCH = "general_branch", N_("党总支")
    BRANCH = "branch", N_("党支部")
    JOINT_BRANCH = "joint_branch", N_("联合党支部")
    TEMPORARY_BRANCH = "temporary_branch", N_("临时党支部")
    GROUP = "group", N_("党小组")
    LEADING_GROUP = "leading_group", N_("党组")
    DISCIPLINE_COMMISSION = "discipline_commission", N_("纪委")


BRANCH_KINDS = frozenset(
    {OrganisationKind.BRANCH, OrganisationKind.JOINT_BRANCH, OrganisationKind.TEMPORARY_BRANCH}
)
"""Organisations that have members of their own and hold members' meetings."""


class PostKind(Coded):
    """Posts that a person may hold at an organisation (domain/14 §1)."""

    SECRETARY = "secretary", N_("书记")
    DEPUTY_SECRETARY = "deputy_secretary", N_("副书记")
    ORGANISATION_COMMISSIONER = "organisation_commissioner", N_("组织委员")
    PUBLICITY_COMMISSIONER = "publicity_commissioner", N_("宣传委员")
    DISCIPLINE_COMMISSIONER = "discipline_commissioner", N_("纪检委员")
    COMMITTEE_MEMBER = "committee_member", N_("委员")
    GROUP_LEADER = "group_leader", N_("党小组组长")
    ORGANISER = "organiser", N_("组织员")
    ORGANISATION_DEPARTMENT = "organisation_department", N_("组织部门")
    AUDITOR = "auditor", N_("督查员")
    ADMINISTRATOR = "administrator", N_("管理员")


COMMITTEE_POSTS = frozenset(
    {
        PostKind.SECRETARY,
        PostKind.DEPUTY_SECRETARY,
        PostKind.ORGANISATION_COMMISSIONER,
        PostKind.PUBLICITY_COMMISSIONER,
        PostKind.DISCIPLINE_COMMISSIONER,
        PostKind.COMMITTEE_MEMBER,
    }
)
"""Whoever holds one of these sits on the committee of the organisation."""


class Gender(Coded):
    """As on the identity card."""

    MALE = "male", N_("男")
    FEMALE = "female", N_("女")


class Language(Coded):
    """Languages the pages can be shown in."""

    CHINESE = "zh", N_("中文")
    ENGLISH = "en", N_("英文")
