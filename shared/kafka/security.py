"""How a client proves who it is and whom it trusts: from our settings to the clients' arguments."""

from __future__ import annotations

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
        ca = settings.kafka_ca_file
        try:
            found["ssl_context"] = create_ssl_context(cafile=str(ca) if ca else None)
        except OSError as error:
            raise SettingsError(f"SELLERS_KAFKA_CA_FILE: {ca}: {error}") from error
    if protocol.startswith("SASL"):
        found["sasl_mechanism"] = settings.kafka_sasl_mechanism
        found["sasl_plain_username"] = settings.kafka_sasl_username
        found["sasl_plain_password"] = settings.kafka_sasl_password.get_secret_value()
    return found
