"""What Faust is told of the brokers is what our own clients are told."""

from __future__ import annotations

import pytest

from services.analytics.stream import credentials_of
from shared.settings import Settings


def test_without_a_word_nothing_is_secured() -> None:
    assert credentials_of(Settings()) is None


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_the_worker_proves_who_it_is(monkeypatch: pytest.MonkeyPatch, protocol: str) -> None:
    monkeypatch.setenv("SELLERS_KAFKA_SECURITY_PROTOCOL", protocol)
    monkeypatch.setenv("SELLERS_KAFKA_SASL_USERNAME", "sellers")
    monkeypatch.setenv("SELLERS_KAFKA_SASL_PASSWORD", "secret")
    told = credentials_of(Settings())
    assert (told.username, told.password, told.mechanism.value) == (
        "sellers",
        "secret",
        "SCRAM-SHA-512",
    )
    assert told.protocol.value == protocol


def test_the_worker_checks_the_brokers_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELLERS_KAFKA_SECURITY_PROTOCOL", "SSL")
    told = credentials_of(Settings())
    assert told.protocol.value == "SSL"
    assert told.context is not None
