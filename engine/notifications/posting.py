"""Post a message to an address outside that an administrator typed, and trust it with nothing.

Only HTTPS to public addresses, unless the installation's settings name the host: whoever may type
an address must not reach the machines behind us. The address is looked up once and that very
address is connected to; redirects are not followed; neither time nor size is the receiver's to
choose.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from engine.errors import N_, InvalidInput
from engine.notifications.mail import Failed
from engine.settings import Settings

SECONDS: Final = 10.0
"""How long all of it may take."""
MOST_BYTES: Final = 64 * 1024
"""Most of an answer that is read."""
_LONGEST: Final = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered."""

    status: int
    body: bytes


class _Forbidden(Exception):
    """The host's address is none that we connect to."""


def check_url(settings: Settings, url: str) -> SplitResult:
    """Return the parts of an address that may be posted to. Raises InvalidInput.

    A host's address is looked at when it is used: it can change at any time.
    """
    wrong = InvalidInput({"url": [N_("请填写以 https:// 开头的完整地址。")]})
    if len(url) > _LONGEST or not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        raise wrong
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise wrong from None
    if not parts.hostname or parts.username or parts.password or parts.fragment or port == 0:
        raise wrong
    if parts.scheme != "https" and not (parts.scheme == "http" and _named(settings, parts)):
        raise wrong
    if not _named(settings, parts):
        try:
            address = ipaddress.ip_address(parts.hostname)
        except ValueError:
            return parts
        if not _public(address):
            raise InvalidInput({"url": [N_("不能填写内部网络的地址。")]})
    return parts


def post(settings: Settings, url: str, body: bytes, headers: dict[str, str]) -> Answer | Failed:
    """Post JSON and return the answer, or what went wrong."""
    try:
        parts = check_url(settings, url)
    except InvalidInput:
        return Failed("webhook_address", final=True)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection: http.client.HTTPConnection | None = None
    deadline = _Deadline()
    try:
        sock = socket.create_connection(_address(settings, parts, port), timeout=SECONDS)
        deadline.begin(sock)
        if parts.scheme == "https":
            secure = ssl.create_default_context().wrap_socket(
                sock, server_hostname=parts.hostname, do_handshake_on_connect=False
            )
            sock = deadline.sock = secure
            secure.do_handshake()
        connection = http.client.HTTPConnection(parts.hostname or "", port, timeout=SECONDS)
        connection.sock = sock
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(
            "POST",
            target,
            body,
            {"Content-Type": "application/json; charset=utf-8", "Host": parts.netloc, **headers},
        )
        response = connection.getresponse()
        answer = Answer(response.status, response.read(MOST_BYTES))
        # Cut off, a connection looks like one that the receiver has closed.
        return Failed("webhook_timeout") if deadline.passed else answer
    except _Forbidden:
        return Failed("webhook_address", final=True)
    except ssl.SSLCertVerificationError:
        return Failed("webhook_certificate")
    except TimeoutError:
        return Failed("webhook_timeout")
    except (OSError, http.client.HTTPException):
        return Failed("webhook_timeout" if deadline.passed else "webhook_unreachable")
    finally:
        deadline.end()
        if connection is not None:
            connection.close()


class _Deadline:
    """Cuts a connection off after a time, whatever the receiver does with single bytes."""

    def __init__(self) -> None:
        self.sock: socket.socket | None = None
        self.passed = False
        self._timer = threading.Timer(SECONDS, self._cut)
        self._timer.daemon = True

    def begin(self, sock: socket.socket) -> None:
        self.sock = sock
        self._timer.start()

    def end(self) -> None:
        self._timer.cancel()
        if self.sock is not None:
            self.sock.close()

    def _cut(self) -> None:
        self.passed = True
        if self.sock is not None:
            with suppress(OSError):  # it is closed already
                # Not the method of a TLS socket: that would forget the session and read on.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


def _address(settings: Settings, parts: SplitResult, port: int) -> tuple[str, int]:
    """Return the address to connect to. Every one that the name has must be public."""
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not _named(settings, parts) and not all(
        _public(ipaddress.ip_address(address.partition("%")[0])) for address in addresses
    ):
        raise _Forbidden
    return addresses[0], port


def _named(settings: Settings, parts: SplitResult) -> bool:
    """Tell whether the installation's settings name this host and port."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.hostname}:{port}" in settings.webhook_hosts


def _public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address.teredo is not None:
            return False
        if inner is not None:
            return _public(inner)
        if address in ipaddress.ip_network("64:ff9b::/96"):  # translated to IPv4 by the network
            return _public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return address.is_global and not address.is_multicast
