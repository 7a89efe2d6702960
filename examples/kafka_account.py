"""Who a client is to the brokers, where they ask: what both examples for Kafka take.

--ca ca.pem --user mailer                     the password is in KAFKA_PASSWORD
--ca ca.pem --cert user.crt --key user.key    by a certificate, instead of a password
"""

from __future__ import annotations

import argparse
import os
from typing import Any

from aiokafka.helpers import create_ssl_context

PASSWORD = "KAFKA_PASSWORD"  # noqa: S105 - what it is called, not what it is


def add_account(parser: argparse.ArgumentParser) -> None:
    """Add the options; without any the brokers are spoken to as they are on one machine."""
    parser.add_argument("--ca", help="certificates of whoever signed the brokers' (PEM)")
    parser.add_argument("--user", help=f"an account (SCRAM-SHA-512); its password in {PASSWORD}")
    parser.add_argument("--cert", help="a certificate of one's own, instead of a password (PEM)")
    parser.add_argument("--key", help="the key to it, if it is in another file")


def account_of(told: argparse.Namespace) -> dict[str, Any]:
    """Return what a client of aiokafka is given besides the address.

    Raises:
        SystemExit: there is no password, or a file cannot be read.

    """
    if not (told.ca or told.user or told.cert):
        return {}
    try:
        context = create_ssl_context(cafile=told.ca, certfile=told.cert, keyfile=told.key)
    except (OSError, ValueError) as error:
        raise SystemExit(f"--ca, --cert, --key: {error}") from None
    if told.user is None:
        return {"security_protocol": "SSL", "ssl_context": context}
    if not (password := os.environ.get(PASSWORD)):
        raise SystemExit(f"--user {told.user}: {PASSWORD} does not say its password")
    return {
        "security_protocol": "SASL_SSL",
        "ssl_context": context,
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": told.user,
        "sasl_plain_password": password,
    }
