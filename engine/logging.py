"""JSON logs: one line an event, with the request and the actor's account id, nothing personal.

An exception is logged as its kinds and places. Its text and the variables of its frames are not:
they hold what people typed, and SQL parameters hold names.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final

import structlog

MOST_FRAMES: Final = 20

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request in which something is logged; None outside of all requests."""

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, default=repr)
"""Made once: ``json.dumps`` with arguments of its own makes one for every line."""


class Stderr:
    """Standard error as it is at the moment of writing: it may be replaced while we run."""

    def write(self, text: str) -> int:
        """Write ``text``."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Hand on what was written."""
        sys.stderr.flush()


def configure_logging(level: int = logging.INFO) -> None:
    """Send structured JSON lines to standard error. Safe to call more than once."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    structlog.configure(
        processors=[
            with_request,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            without_texts,
            as_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=Stderr()),  # type: ignore[arg-type]
        cache_logger_on_first_use=True,
    )


def with_request(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add the id of the request."""
    if (found := request_id.get()) is not None:
        event["request_id"] = found
    return event


def as_json(logger: object, method: str, event: MutableMapping[str, Any]) -> str:
    """Return the event as a line of JSON."""
    return _ENCODER.encode(event)


def without_texts(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace ``exc_info`` by the kinds of the exceptions and where they were raised."""
    given = event.pop("exc_info", None)
    if not given:
        return event
    error = given if isinstance(given, BaseException) else sys.exc_info()[1]
    if isinstance(given, tuple):
        error = given[1]
    chain: list[dict[str, Any]] = []
    while error is not None and len(chain) < MOST_FRAMES:
        chain.append({"kind": _kind(error), "at": _places(error.__traceback__)})
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    event["exception"] = chain
    return event


def _kind(error: BaseException) -> str:
    kind = type(error)
    return f"{kind.__module__}.{kind.__qualname__}"


def _places(trace: TracebackType | None) -> list[str]:
    found: list[str] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        found.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return found[-MOST_FRAMES:]
