"""What a log line says of an exception: kind and place, never its text."""

from __future__ import annotations

import json

import pytest
import structlog

from engine.logging import configure_logging


@pytest.fixture
def log() -> structlog.stdlib.BoundLogger:
    """A logger of our own configuration."""
    configure_logging()
    return structlog.get_logger("test")  # type: ignore[no-any-return]


def test_an_exception_is_its_kinds_and_places(
    log: structlog.stdlib.BoundLogger, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "袁如玲"
    try:
        try:
            raise KeyError(secret)
        except KeyError as cause:
            raise ValueError(f"unknown {secret}") from cause
    except ValueError:
        log.exception("unhandled", kind="ValueError")
    text = capsys.readouterr().err
    line = json.loads(text)
    assert [part["kind"] for part in line["exception"]] == [
        "builtins.ValueError",
        "builtins.KeyError",
    ]
    assert "test_logging.py" in line["exception"][0]["at"][-1]
    assert secret not in text


def test_the_exception_may_be_given(
    log: structlog.stdlib.BoundLogger, capsys: pytest.CaptureFixture[str]
) -> None:
    error = OSError("/secret/path")
    log.error("failed", exc_info=error)
    log.error("failed", exc_info=(OSError, error, None))
    log.error("failed", exc_info=True)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [part["kind"] for line in lines[:2] for part in line["exception"]] == [
        "builtins.OSError",
        "builtins.OSError",
    ]
    assert lines[2]["exception"] == []


def test_lines_go_where_standard_error_is_now(
    log: structlog.stdlib.BoundLogger, capsys: pytest.CaptureFixture[str]
) -> None:
    log.info("first")
    assert '"first"' in capsys.readouterr().err
    with capsys.disabled():
        pass
    log.info("second")
    assert '"second"' in capsys.readouterr().err
