"""What can be written in the ledger: a closed set, with the words people see."""

from engine.coded import Coded
from engine.errors import N_


class EntryKind(Coded):
    """The kind of a ledger entry."""

    STARTED = "started", N_("发起")
    CLAIMED = "claimed", N_("签收")
    UNCLAIMED = "unclaimed", N_("放回")
    DELEGATED = "delegated", N_("委托")
    COMPLETED = "completed", N_("办结")
    SENT_BACK = "sent_back", N_("退回")
    PARTICIPANT_ADDED = "participant_added", N_("增加参与人")
    PARTICIPANT_REMOVED = "participant_removed", N_("移出参与人")
    REMINDED = "reminded", N_("提醒")
    TIMER_FIRED = "timer_fired", N_("到时")
    MESSAGE_RECEIVED = "message_received", N_("收到通知")
    SUSPENDED = "suspended", N_("挂起")
    RESUMED = "resumed", N_("恢复")
    CANCELLED = "cancelled", N_("终止")
    MIGRATED = "migrated", N_("换用流程版本")
    RETRIED = "retried", N_("重试")
    ATTACHED = "attached", N_("上传材料")
    READ = "read", N_("查阅")
    EXPORTED = "exported", N_("导出")
    ERASED = "erased", N_("清除内容")
    DEPLOYED = "deployed", N_("部署流程")
    ACTIVATED = "activated", N_("启用流程版本")
    DIRECTORY = "directory", N_("变更党组织或人员")
    ACCOUNT = "account", N_("变更账号")
    CORRECTED = "corrected", N_("更正")
    OVERRIDDEN = "overridden", N_("准予越过")
    ASKED = "asked", N_("要求说明")
    EXPLAINED = "explained", N_("说明")
    CONCLUDED = "concluded", N_("督查结论")
    WAIVED = "waived", N_("豁免")
    ITEM_REPORTED = "item_reported", N_("整改进展")
    ITEM_EXTENDED = "item_extended", N_("整改延期")
    ITEM_CLOSED = "item_closed", N_("整改销号")
    ITEM_REOPENED = "item_reopened", N_("重新整改")
    ITEM_CARRIED = "item_carried", N_("继续整改")
    BALLOT = "ballot", N_("投票事务")
    SAMPLED = "sampled", N_("抽样")
    PARAMETER = "parameter", N_("变更参数")
    SIGNING_KEY = "signing_key", N_("更换校验点密钥")
