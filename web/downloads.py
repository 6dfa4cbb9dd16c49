"""Files that are handed out: always as downloads, and kept by nobody on the way."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import IO

from flask import Response, send_file


def download(
    source: bytes | Path | IO[bytes], name: str, media_type: str, *, uploaded: bool = False
) -> Response:
    """Return a file as a download under a name.

    ``uploaded``: it came from people, so that a browser which shows it after all runs no scripts,
    sends no forms and knows no origin.
    """
    response = send_file(
        BytesIO(source) if isinstance(source, bytes) else source,
        mimetype=media_type,
        as_attachment=True,
        download_name=name,
        etag=False,
        conditional=False,
    )
    if uploaded:
        response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, no-store"
    return response
