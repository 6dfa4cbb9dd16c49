"""One page with a checkpoint and its fingerprints, to be printed, signed for and put away."""

from __future__ import annotations

from html import escape
from string import Template
from typing import Final

from engine.clock import ZONE
from engine.digests import FORMS
from engine.ledger.checkpoints import Sealed
from engine.ledger.keys import PublicKey

_HEADING: Final = "规程 Guicheng · 留痕校验点 ledger checkpoint"
_WHAT_FOR: Final = (
    "本页由系统以外的单位或人员保存。日后在服务器上运行 guicheng checkpoint print，"
    "打印的同号校验点应与本页逐字相同；再运行 guicheng verify 没有不符，"
    "即证明本页时间以前的全部留痕没有被改动、删除或者插入。"
)
_IN_ENGLISH: Final = (
    "Kept outside the system. The checkpoint of the same number printed later must be the same, "
    "letter for letter; with a faultless `guicheng verify` this proves that no entry recorded "
    "before this moment was changed, removed or inserted."
)
_RECEIVED: Final = ("接收单位 received by", "接收人 name", "日期 date")


def grouped(digits: str) -> str:
    """Return hexadecimal digits in groups of four, as people compare them."""
    return " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))


def _lines(sealed: Sealed, key: PublicKey) -> list[tuple[str, str]]:
    at = sealed.at.astimezone(ZONE)
    return [
        ("编号 number", str(sealed.number)),
        ("时间 sealed at", f"{at:%Y-%m-%d %H:%M:%S.%f}（北京时间 UTC+8）"),
        ("封存 sealed", f"{sealed.size} 条链 chains，{sealed.entries} 条留痕 entries"),
        ("摘要算法 digest", FORMS[sealed.form].upper()),
        ("指纹 fingerprint", grouped(sealed.digest().hex())),
        ("根 Merkle root", grouped(sealed.root.hex())),
        ("上一校验点 previous", grouped(sealed.previous.hex()) or "无 none"),
        ("密钥指纹 key", grouped(key.id)),
        ("公钥 public key (Ed25519)", grouped(key.public.hex())),
        ("签名 signature", grouped(sealed.signature.hex())),
    ]


def as_text(sealed: Sealed, key: PublicKey) -> str:
    """Return the page as plain text."""
    lines = [_HEADING, "", *(f"{name}\n    {value}" for name, value in _lines(sealed, key))]
    signed = "　".join(f"{name} ____________" for name in _RECEIVED)
    return "\n".join([*lines, "", _WHAT_FOR, _IN_ENGLISH, "", signed, ""])


def as_html(sealed: Sealed, key: PublicKey) -> str:
    """Return the page as one HTML file that needs nothing else."""
    rows = "\n".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
        for name, value in _lines(sealed, key)
    )
    signed = "".join(f"<span>{escape(name)}</span>" for name in _RECEIVED)
    return _PAGE.substitute(
        title=f"校验点 {sealed.number}",
        heading=escape(_HEADING),
        rows=rows,
        what_for=escape(_WHAT_FOR),
        in_english=escape(_IN_ENGLISH),
        signed=signed,
    )


_PAGE: Final = Template("""\
<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<title>$title</title>
<style>
@page { size: A4; margin: 2cm }
body { font: 12pt/1.6 "Noto Serif CJK SC", "Songti SC", SimSun, serif; max-width: 17cm;
    margin: 1cm auto; color: #000; background: #fff }
h1 { font-size: 16pt; border-bottom: 2px solid #000; padding-bottom: .3em }
table { border-collapse: collapse; width: 100% }
th, td { border: 1px solid #666; padding: .4em .6em; text-align: left; vertical-align: top }
th { width: 32%; font-weight: normal }
td { font-family: "Noto Sans Mono", "DejaVu Sans Mono", Consolas, monospace; font-size: 11pt;
    overflow-wrap: anywhere }
.signed { margin-top: 2cm; display: flex; gap: 1cm }
.signed span { flex: 1; border-top: 1px solid #000; padding-top: .2em }
</style>
</head>
<body>
<h1>$heading</h1>
<table>
$rows
</table>
<p>$what_for</p>
<p lang="en">$in_english</p>
<p class="signed">$signed</p>
</body>
</html>
""")
