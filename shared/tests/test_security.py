"""From a deployment's settings to what the clients of Kafka are given."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.kafka import security_of
from shared.kafka.clients import Clients
from shared.settings import Settings, SettingsError, load

WHO = {"SELLERS_KAFKA_SASL_USERNAME": "sellers", "SELLERS_KAFKA_SASL_PASSWORD": "secret"}


def settings(monkeypatch: pytest.MonkeyPatch, protocol: str, **more: str) -> Settings:
    for name, value in {"SELLERS_KAFKA_SECURITY_PROTOCOL": protocol, **more}.items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_without_a_word_nothing_is_secured() -> None:
    assert security_of(Settings()) == {}


def test_a_password_is_handed_over_and_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    told = settings(monkeypatch, "SASL_PLAINTEXT", **WHO)
    assert security_of(told) == {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "sellers",
        "sasl_plain_password": "secret",
    }
    assert "secret" not in repr(told)


def test_certificates_are_read_from_the_file_that_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = settings(monkeypatch, "SASL_SSL", **WHO, SELLERS_KAFKA_SASL_MECHANISM="PLAIN")
    found = security_of(told)
    assert isinstance(found["ssl_context"], ssl.SSLContext)
    assert found["ssl_context"].verify_mode == ssl.CERT_REQUIRED
    monkeypatch.setenv("SELLERS_KAFKA_CA_FILE", str(tmp_path / "nowhere.pem"))
    with pytest.raises(SettingsError, match="SELLERS_KAFKA_CA_FILE: Path does not point to a file"):
        load()


def test_a_password_that_is_missing_is_named_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="SELLERS_KAFKA_SASL_USERNAME"):
        settings(monkeypatch, "SASL_SSL")


async def test_every_client_takes_these_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = Clients("127.0.0.1:9", security_of(settings(monkeypatch, "SASL_SSL", **WHO)))
    for make in (clients.consumer, clients.producer, clients.admin):
        assert make() is not None
