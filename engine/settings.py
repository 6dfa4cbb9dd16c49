"""Settings, read once from the environment, where a field's name stands in capitals."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """What an installation may choose. Defaults suit one machine."""

    data_dir: Path = Path("var")
    """Where the embedded database, attachments and keys live (``DATA_DIR``)."""
    database_url: str | None = None
    """A PostgreSQL ≥ 15 of your own (``DATABASE_URL``); without it the embedded server is used."""
    database_owner_url: str | None = None
    """The role that owns the tables and runs migrations, if it differs (``DATABASE_OWNER_URL``)."""
    processes_dir: Path = ROOT / "processes"
    port: int = 8000
    host: str = "127.0.0.1"
    secret_key: str = ""
    demo: bool = False
    """The login page offers the demo accounts."""
    secure_cookies: bool = False
    """Set when served behind TLS (``SECURE_COOKIES=1``)."""
    session_idle_minutes: int = 60
    session_days: int = 7
    step_budget: int = 20_000
    attachment_max_bytes: int = 20 * 1024 * 1024
    ledger_digest: str = "sha256"
    """How new ledger entries and checkpoints are digested: ``sha256`` or ``sm3``."""
    checkpoint_hours: float = 24
    """A worker seals a checkpoint when the last one is so old."""
    checkpoint_key_file: Path | None = None
    """The private key that signs checkpoints; ``DATA_DIR/checkpoint_key.pem`` if not set."""
    public_url: str = ""
    """The address under which people reach the pages (``PUBLIC_URL``), for links in messages."""
    smtp_host: str = ""
    """The mail server (``SMTP_HOST``); without it no e-mail is offered or sent."""
    smtp_port: int = 0
    """``SMTP_PORT``; the usual one of ``SMTP_TLS`` if not set."""
    smtp_tls: str = "starttls"
    """``starttls`` (port 587), ``tls`` (465), or ``none`` (25) within one machine only."""
    smtp_ca_file: Path | None = None
    """Certificates to trust besides the system's (``SMTP_CA_FILE``)."""
    smtp_user: str = ""
    smtp_password: str = field(default="", repr=False)
    mail_from: str = ""
    """The sender of mails (``MAIL_FROM``); ``guicheng@SMTP_HOST`` if not set."""
    webhook_hosts: frozenset[str] = frozenset()
    """``host:port`` that webhooks may reach though they are private or plain HTTP
    (``WEBHOOK_HOSTS``, commas between them)."""

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the environment; the secret key is made once and kept in the data directory."""
        env = os.environ
        data_dir = Path(env.get("DATA_DIR", "var")).resolve()
        return cls(
            data_dir=data_dir,
            database_url=env.get("DATABASE_URL") or None,
            database_owner_url=env.get("DATABASE_OWNER_URL") or env.get("DATABASE_URL") or None,
            processes_dir=Path(env.get("PROCESSES_DIR", str(ROOT / "processes"))),
            port=int(env.get("PORT", "8000")),
            host=env.get("HOST", "127.0.0.1"),
            secret_key=env.get("SECRET_KEY") or _kept_secret(data_dir),
            demo=env.get("GUICHENG_DEMO", "") == "1",
            secure_cookies=env.get("SECURE_COOKIES", "") == "1",
            session_idle_minutes=int(env.get("SESSION_IDLE_MINUTES", "60")),
            step_budget=int(env.get("STEP_BUDGET", "20000")),
            ledger_digest=env.get("LEDGER_DIGEST") or "sha256",
            checkpoint_hours=float(env.get("CHECKPOINT_HOURS") or "24"),
            checkpoint_key_file=Path(kept) if (kept := env.get("CHECKPOINT_KEY_FILE")) else None,
            public_url=env.get("PUBLIC_URL", "").rstrip("/"),
            smtp_host=env.get("SMTP_HOST", ""),
            smtp_port=int(env.get("SMTP_PORT") or "0"),
            smtp_tls=env.get("SMTP_TLS") or "starttls",
            smtp_ca_file=Path(trusted) if (trusted := env.get("SMTP_CA_FILE")) else None,
            smtp_user=env.get("SMTP_USER", ""),
            smtp_password=env.get("SMTP_PASSWORD", ""),
            mail_from=env.get("MAIL_FROM", ""),
            webhook_hosts=frozenset(
                host.strip().lower() for host in env.get("WEBHOOK_HOSTS", "").split(",") if host
            ),
        )


def _kept_secret(data_dir: Path) -> str:
    path = data_dir / "secret_key"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        data_dir.mkdir(parents=True, exist_ok=True)
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:  # another process made it between our two looks
            return path.read_text().strip()
        with os.fdopen(fd, "w") as handle:
            key = secrets.token_hex(32)
            handle.write(key)
        return key
