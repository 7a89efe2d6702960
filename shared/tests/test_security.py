"""From a deployment's settings to what the clients of Kafka are given."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
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


@pytest.mark.parametrize(
    ("protocol", "lacks", "told"),
    [
        ("SSL", {"SELLERS_KAFKA_KEY_FILE": __file__}, "SELLERS_KAFKA_KEY_FILE needs"),
        ("PLAINTEXT", {"SELLERS_KAFKA_CERT_FILE": __file__}, "SELLERS_KAFKA_CERT_FILE needs SSL"),
    ],
)
def test_a_certificate_without_its_rest_is_named_at_start(
    monkeypatch: pytest.MonkeyPatch, protocol: str, lacks: dict[str, str], told: str
) -> None:
    with pytest.raises(ValidationError, match=told):
        settings(monkeypatch, protocol, **lacks)


def key_and_certificate(folder: Path, password: bytes) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sellers")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1)
    ).sign(key, SHA256())
    how = BestAvailableEncryption(password) if password else NoEncryption()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)
    files = folder / "user.key", folder / "user.crt"
    for file, content in zip(files, (private, made.public_bytes(Encoding.PEM)), strict=True):
        file.write_bytes(content)
    return files


@pytest.mark.parametrize(
    ("locked", "told", "opens"),
    [("", "", True), ("word", "word", True), ("word", "", False), ("word", "other", False)],
)
def test_a_key_of_ones_own_is_opened_without_asking_the_terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, locked: str, told: str, *, opens: bool
) -> None:
    key, certificate = key_and_certificate(tmp_path, locked.encode())
    named = {"SELLERS_KAFKA_KEY_FILE": str(key), "SELLERS_KAFKA_CERT_FILE": str(certificate)}
    found = settings(monkeypatch, "SSL", SELLERS_KAFKA_KEY_PASSWORD=told, **named)
    if opens:
        assert security_of(found)["security_protocol"] == "SSL"
        return
    with pytest.raises(SettingsError, match=r"SELLERS_KAFKA_CERT_FILE: .*user\.crt, .*user\.key: "):
        security_of(found)


def test_a_password_that_is_missing_is_named_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="SELLERS_KAFKA_SASL_USERNAME"):
        settings(monkeypatch, "SASL_SSL")


async def test_every_client_takes_these_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = Clients("127.0.0.1:9", security_of(settings(monkeypatch, "SASL_SSL", **WHO)))
    for make in (clients.consumer, clients.producer, clients.admin):
        assert make() is not None
