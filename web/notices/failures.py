"""Why something could not be delivered, in words that say what to do."""

from __future__ import annotations

from typing import Final

from engine.errors import N_
from web.language import in_words

_WORDS: Final = {
    "smtp_unreachable": N_("连不上邮件服务器，请检查服务器是否开启、地址和端口是否正确。"),
    "smtp_timeout": N_("邮件服务器长时间没有回应，请稍后重发。"),
    "smtp_certificate": N_("邮件服务器的证书无法确认，请检查证书设置。"),
    "smtp_no_tls": N_("邮件服务器不支持加密连接，请检查设置。"),
    "smtp_login": N_("邮件服务器不接受用户名或密码，请检查设置。"),
    "webhook_address": N_("地址指向内部网络或已失效，出于安全没有发送。"),
    "webhook_certificate": N_("对方的证书无法确认，没有发送。"),
    "webhook_timeout": N_("对方长时间没有回应，请稍后重发。"),
    "webhook_unreachable": N_("连不上对方的地址，请核对地址。"),
    "webhook_answer": N_("对方的回答不是群机器人的格式，请核对类型和地址。"),
    "webhook_key": N_("系统密钥已更换，请删除后重新添加这个机器人。"),
}
_MAIL: Final = N_("邮件服务器拒绝了这封邮件，请核对邮箱地址。")
_HTTP: Final = N_("对方没有接受这条消息，请核对地址。")
_ROBOT: Final = N_("群机器人没有接受这条消息，请核对密钥和安全设置。")


def failure_words(code: str | None) -> str:
    """Return the words for a short code."""
    if not code:
        return ""
    if code in _WORDS:
        return in_words(_WORDS[code])
    kind, _, number = code.partition("_")
    words = {"smtp": _MAIL, "robot": _ROBOT}.get(kind, _HTTP)
    return f"{in_words(words)}（{number}）"
