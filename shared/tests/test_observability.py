"""What is logged of a failure: where, and not with what."""

from __future__ import annotations

import logging

import pytest
import structlog

from shared.observability import configure_logs


def test_k_02_a_failure_is_logged_without_its_variables(capfd: pytest.CaptureFixture[str]) -> None:
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    configure_logs("info")
    try:
        try:
            _fail("DENTIST".lower())
        except ValueError:
            logging.getLogger("sellers").exception("request_failed")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.configure(**configured)
    told = capfd.readouterr().err
    assert "request_failed" in told
    assert "test_observability.py" in told
    assert "dentist" not in told


def _fail(title: str) -> None:
    raise ValueError(len(title))
