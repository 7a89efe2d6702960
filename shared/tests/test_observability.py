"""What is logged of a failure: where, and not with what."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from shared.observability import configure_logs, in_json


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


@pytest.mark.parametrize("told", [2**70, "\ud800"], ids=["a long number", "half a pair"])
def test_what_has_no_encoding_is_logged_all_the_same(told: object) -> None:
    assert json.loads(in_json({"event": told})) == {"event": told}


def _fail(title: str) -> None:
    raise ValueError(len(title))
