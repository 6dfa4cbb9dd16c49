"""What can stand in the way of a ballot."""

from __future__ import annotations

from engine.errors import N_, Conflict


class AlreadyVoted(Conflict):
    """The voter's ballot lies in the box, or a paper one was handed out. Nothing was changed."""

    code = "already_voted"
    default = N_("您已经投过票，选票已在票箱中。每人一票，这一次没有再计入。")


class PaperIssued(AlreadyVoted):
    """The voter was handed a paper ballot."""

    default = N_("您已领取纸质票，请用纸质票投票。每人一票，这一次没有计入。")


class BoxClosed(Conflict):
    """The box takes no more ballots."""

    code = "ballot_closed"
    default = N_("投票已经结束，选票没有计入。")


class PaperNotCounted(Conflict):
    """Paper ballots were handed out, and two tellers have not yet said what came back."""

    code = "paper_not_counted"
    default = N_("发出过纸质票，须由两名计票人登记并核对票数以后才能计票。")
