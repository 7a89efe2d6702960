"""How a client proves who it is and whom it trusts: from our settings to the clients' arguments."""

from __future__ import annotations

from ssl import SSLContext
from typing import Any

from aiokafka.helpers import create_ssl_context

from shared.settings import Settings, SettingsError


def security_of(settings: Settings) -> dict[str, Any]:
    """Return the arguments that every client of aiokafka takes; none where nothing is secured.

    Raises:
        SettingsError: the certificates cannot be read.

    """
    protocol = settings.kafka_security_protocol
    if protocol == "PLAINTEXT":
        return {}
    found: dict[str, Any] = {"security_protocol": protocol}
    if protocol.endswith("SSL"):
        found["ssl_context"] = _context(settings)
    if protocol.startswith("SASL"):
        found["sasl_mechanism"] = settings.kafka_sasl_mechanism
        found["sasl_plain_username"] = settings.kafka_sasl_username
        found["sasl_plain_password"] = settings.kafka_sasl_password.get_secret_value()
    return found


def _context(settings: Settings) -> SSLContext:
    ca, certificate = settings.kafka_ca_file, settings.kafka_cert_file
    try:
        context: SSLContext = create_ssl_context(cafile=str(ca) if ca else None)
    except OSError as error:
        raise SettingsError(f"SELLERS_KAFKA_CA_FILE: {ca}: {error}") from error
    if certificate is None:
        return context
    # Given, if only an empty one: otherwise the terminal would be asked for it.
    password = settings.kafka_key_password.get_secret_value()
    try:
        context.load_cert_chain(certificate, settings.kafka_key_file, password)
    except OSError as error:
        key = settings.kafka_key_file or certificate
        raise SettingsError(f"SELLERS_KAFKA_CERT_FILE: {certificate}, {key}: {error}") from error
    return context
