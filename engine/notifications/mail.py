"""Send one mail by SMTP. What went wrong comes back as a short code that names nobody."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final
from uuid import UUID

from engine.clock import Clock
from engine.settings import Settings

SECONDS: Final = 20.0
"""How long a mail server may take for one answer."""
_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True)
class Failed:
    """A message that was not taken. ``final``: trying again would not help."""

    code: str
    final: bool = False


def make_mail(
    settings: Settings, clock: Clock, *, to: str, key: UUID, subject: str, body: str
) -> EmailMessage:
    """Return a mail. Its Message-ID is the delivery's key: sent twice, it is one to mail boxes."""
    made = EmailMessage(policy=SMTP)
    made["From"] = sender(settings)
    made["To"] = to
    made["Subject"] = subject
    made["Date"] = format_datetime(clock.now())
    made["Message-ID"] = f"<{key}@{_domain(settings)}>"
    made["Auto-Submitted"] = "auto-generated"
    made["X-Guicheng-Delivery"] = str(key)
    made.set_content(body, cte="base64")
    return made


def sender(settings: Settings) -> str:
    """Return the address that mails come from."""
    return settings.mail_from or f"guicheng@{settings.smtp_host}"


def send_mail(settings: Settings, mail: EmailMessage) -> Failed | None:
    """Hand a mail to the server; return what went wrong."""
    try:
        server = _connect(settings)
        try:
            server.send_message(mail)
        finally:
            # It has been taken or not: how the server says good-bye changes nothing.
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()
    except smtplib.SMTPRecipientsRefused as error:
        return _refused(min(code for code, _ in error.recipients.values()))
    except smtplib.SMTPAuthenticationError:
        return Failed("smtp_login")  # the administrator can put it right while we try again
    except smtplib.SMTPResponseException as error:
        return _refused(error.smtp_code)
    except smtplib.SMTPNotSupportedError:
        return Failed("smtp_no_tls")
    except ssl.SSLError:
        return Failed("smtp_certificate")
    except TimeoutError:
        return Failed("smtp_timeout")
    except (OSError, smtplib.SMTPException) as error:
        slow = isinstance(error.__context__, TimeoutError)
        return Failed("smtp_timeout" if slow else "smtp_unreachable")
    return None


def _connect(settings: Settings) -> smtplib.SMTP:
    port = settings.smtp_port or _PORTS[settings.smtp_tls]
    name = _domain(settings)
    if settings.smtp_tls == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            settings.smtp_host, port, name, timeout=SECONDS, context=_trust(settings)
        )
    else:
        server = smtplib.SMTP(settings.smtp_host, port, name, timeout=SECONDS)
    try:
        if settings.smtp_tls == "starttls":
            server.starttls(context=_trust(settings))
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password)
    except BaseException:
        server.close()
        raise
    return server


def _trust(settings: Settings) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if settings.smtp_ca_file:
        context.load_verify_locations(settings.smtp_ca_file)
    return context


def _refused(code: int) -> Failed:
    """4xx: not now; 5xx: not at all."""
    return Failed(f"smtp_{code}", final=code >= 500)


def _domain(settings: Settings) -> str:
    return sender(settings).rpartition("@")[2] or "localhost"
