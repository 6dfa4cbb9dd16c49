"""What a verification says: how much it saw, and each thing that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.errors import N_

NAMES: Final[Mapping[str, str]] = {
    "chain_id": N_("所属链"),
    "seq": N_("条号"),
    "form": N_("摘要算法编号"),
    "kind": N_("种类"),
    "recorded_at": N_("记录时间"),
    "occurred_on": N_("发生日期"),
    "actor_id": N_("办理人"),
    "on_behalf_of": N_("被代办人"),
    "element": N_("环节"),
    "task_id": N_("任务编号"),
    "command_id": N_("命令编号"),
    "payload": N_("填报内容"),
    "salt": N_("盐值"),
    "payload_digest": N_("填报内容的摘要"),
    "snapshot": N_("办理前状态"),
    "snapshot_digest": N_("办理前状态的摘要"),
    "previous": N_("上一条的摘要"),
    "digest": N_("本条的摘要"),
}
"""The fields of an entry as people call them."""


@dataclass(frozen=True)
class Fault:
    """One thing that does not verify."""

    chain_id: int
    """0 when it is no matter of a single chain."""
    seq: int | None
    code: str
    message: str
    fields: tuple[str, ...] = ()
    """The field that was changed; several when it can be any of them."""
    former: str | None = None
    """What stood there before, when that can be said."""

    def __str__(self) -> str:
        where = f"{self.chain_id}" + (f"#{self.seq}" if self.seq is not None else "")
        said = f"{where} {self.code}: {self.message}"
        if self.fields:
            names = "、".join(f"{NAMES[name]} {name}" for name in self.fields)
            said += f"（{names}" if len(self.fields) == 1 else f"（可能是：{names}"
            said += f"，原为 {self.former}）" if self.former is not None else "）"
        return said

    def to_json(self) -> dict[str, Any]:
        """Return the fault as plain data."""
        return {**vars(self), "fields": list(self.fields)}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Fault:
        """Read a fault from what :meth:`to_json` returned."""
        return cls(**{**found, "fields": tuple(found["fields"])})


@dataclass
class Report:
    """What a verification saw."""

    chains: int = 0
    entries: int = 0
    erased: int = 0
    checkpoints: int = 0
    sealed: int = 0
    """Entries that the newest checkpoint covers."""

    def add(self, other: Report) -> None:
        """Count what another part saw."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
