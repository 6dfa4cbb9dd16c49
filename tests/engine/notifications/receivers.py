"""Real receivers on this machine: a mail server and a web server that do as a test tells them."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass
class MailServer:
    """An SMTP server. ``refuse`` answers a command (``RCPT``, ``DATA`` …) with a line of its own;
    ``silent`` never answers it."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    to: list[str] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    silent: str = ""
    tls: ssl.SSLContext | None = None
    secure: list[bool] = field(default_factory=list)
    """For each mail: whether it came encrypted."""
    stop: threading.Event = field(default_factory=threading.Event)


class _Smtp(socketserver.StreamRequestHandler):
    boxes: MailServer

    def finish(self) -> None:
        self.connection.close()  # its own when it is encrypted: the base class knows the plain one

    def handle(self) -> None:
        self.encrypted = False
        self.say("220 test.example ESMTP")
        while line := self.rfile.readline():
            words = line.decode().strip()
            verb = words.partition(" ")[0].upper()
            if verb == self.boxes.silent:
                self.boxes.stop.wait(10)
                return
            if refusal := self.boxes.refuse.get(verb):
                self.say(refusal)
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.obey(verb, words)

    def obey(self, verb: str, words: str) -> None:
        boxes = self.boxes
        if verb == "EHLO":
            offer = boxes.tls is not None and not self.encrypted
            self.say("250-test.example\r\n250-STARTTLS\r\n250 8BITMIME" if offer else "250 ok")
        elif verb == "STARTTLS" and boxes.tls is not None:
            self.say("220 go ahead")
            self.connection = boxes.tls.wrap_socket(
                self.connection, server_side=True, do_handshake_on_connect=False
            )
            with suppress(OSError):  # the client may not like our certificate
                self.connection.do_handshake()
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb", 0)
            self.encrypted = True
        elif verb == "RCPT":
            boxes.to.append(words.partition(":")[2].strip("<>"))
            self.say("250 ok")
        elif verb == "DATA":
            self.say("354 go on")
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
            made = message_from_bytes(b"".join(lines), policy=default)
            assert isinstance(made, EmailMessage)
            boxes.mails.append(made)
            boxes.secure.append(self.encrypted)
            self.say("250 taken")
        else:
            self.say("250 ok")

    def say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None) -> Iterator[MailServer]:
    """Run a mail server; with ``tls`` it offers STARTTLS."""
    boxes = MailServer(tls=tls)
    handler = type("Handler", (_Smtp,), {"boxes": boxes})
    with _running(_Threads(("127.0.0.1", 0), handler)) as port:
        boxes.port = port
        yield boxes
        boxes.stop.set()


@dataclass
class Posted:
    """What came in."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A web server. ``answers`` are given in turn, the last one for ever: status, headers, body."""

    port: int = 0
    posts: list[Posted] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(
        default_factory=lambda: [(200, {}, b'{"errcode": 0}')]
    )
    silent: bool = False
    drip: bool = False
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"


class _Http(BaseHTTPRequestHandler):
    place: Receiver

    def do_POST(self) -> None:
        place = self.place
        length = int(self.headers.get("Content-Length", "0"))
        place.posts.append(Posted(self.path, dict(self.headers), self.rfile.read(length)))
        if place.silent:
            place.stop.wait(10)
            return
        if place.drip:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not place.stop.wait(0.05):
                self.wfile.write(b"X")
            return
        status, headers, body = place.answers.pop(0) if len(place.answers) > 1 else place.answers[0]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Run a web server that takes posts."""
    place = Receiver()
    handler = type("Handler", (_Http,), {"place": place})
    with _running(_HttpThreads(("127.0.0.1", 0), handler)) as port:
        place.port = port
        yield place
        place.stop.set()


class _Quiet:
    """Takes no notice of clients that leave."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing."""


class _Threads(_Quiet, socketserver.ThreadingTCPServer):
    allow_reuse_address = True


class _HttpThreads(_Quiet, ThreadingHTTPServer):
    pass


@contextmanager
def _running(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def certificate(folder: Path, names: Sequence[str]) -> tuple[ssl.SSLContext, Path]:
    """Return a server's context with a certificate of its own, and the file that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName(n) for n in names] + [x509.IPAddress(ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "cert.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public
