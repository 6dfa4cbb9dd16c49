"""What can be written in the ledger: a closed set, with the words people see."""

from enum import StrEnum

from engine.errors import N_


class EntryKind(StrEnum):
    """The kind of a ledger entry."""

    STARTED = "started"
    CLAIMED = "claimed"
    UNCLAIMED = "unclaimed"
    DELEGATED = "delegated"
    COMPLETED = "completed"
    SENT_BACK = "sent_back"
    TIMER_FIRED = "timer_fired"
    MESSAGE_RECEIVED = "message_received"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    CANCELLED = "cancelled"
    RETRIED = "retried"
    ATTACHED = "attached"
    READ = "read"
    DEPLOYED = "deployed"
    DIRECTORY = "directory"
    ACCOUNT = "account"

    @property
    def label(self) -> str:
        """Return the Chinese name (a message id for translation)."""
        return _LABELS[self]


_LABELS = {
    EntryKind.STARTED: N_("发起"),
    EntryKind.CLAIMED: N_("签收"),
    EntryKind.UNCLAIMED: N_("放回"),
    EntryKind.DELEGATED: N_("委托"),
    EntryKind.COMPLETED: N_("办结"),
    EntryKind.SENT_BACK: N_("退回"),
    EntryKind.TIMER_FIRED: N_("到时"),
    EntryKind.MESSAGE_RECEIVED: N_("收到通知"),
    EntryKind.SUSPENDED: N_("挂起"),
    EntryKind.RESUMED: N_("恢复"),
    EntryKind.CANCELLED: N_("终止"),
    EntryKind.RETRIED: N_("重试"),
    EntryKind.ATTACHED: N_("上传材料"),
    EntryKind.READ: N_("查阅"),
    EntryKind.DEPLOYED: N_("部署流程"),
    EntryKind.DIRECTORY: N_("变更党组织或人员"),
    EntryKind.ACCOUNT: N_("变更账号"),
}
