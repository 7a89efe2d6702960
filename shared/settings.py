"""Everything a deployment may set: from the environment (`SELLERS_...`), secrets also from files.

A file in SELLERS_SECRETS_DIR is named as the setting that it holds, as `sellers_mongo`. A misspelt
name is refused at start, with the names that exist.
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, FilePath, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.access.roles import Role
from shared.errors import SellersError, causes
from shared.references import LOOPBACK, is_safe

PREFIX = "SELLERS_"
BROKER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:,/\[\]]+)(:(?P<port>[0-9]{1,5}))?")
PORT_MAX = 65_535
WEBHOOK_KEY_CHARS = 32
SECRETS_DIR = "SELLERS_SECRETS_DIR"


class SettingsError(SellersError):
    """The environment cannot be used as it is; names each setting and the cause."""


class Settings(BaseSettings):
    """One deployment serves one company."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    kafka: str = Field("127.0.0.1:9092", description="Kafka's bootstrap servers, host:port,...")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="whether the brokers want TLS (SSL) and a password (SASL)"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="how the password is proved"
    )
    kafka_sasl_username: str = Field("", description="who this process is to the brokers")
    kafka_sasl_password: SecretStr = Field(SecretStr(""), description="its password there")
    kafka_ca_file: FilePath | None = Field(
        None, description="certificates of whoever signed the brokers'; none: the system's"
    )
    kafka_cert_file: FilePath | None = Field(
        None, description="this process's own certificate, where the brokers want one (mTLS)"
    )
    kafka_key_file: FilePath | None = Field(
        None, description="the key to it; none: it is in the same file"
    )
    kafka_key_password: SecretStr = Field(SecretStr(""), description="of the key, if it has one")
    mongo: str = Field(
        "mongodb://127.0.0.1:27017", repr=False, description="MongoDB's connection string"
    )
    database_prefix: str = Field(
        "sellers_", description="names of databases and consumer groups begin so"
    )
    instance: str = Field("local", description="this process, the same after a restart: pod name")
    engine: Literal["embedded", "kafka"] = Field(
        "kafka", description="embedded: the broker may lose its last second when it is killed"
    )
    access: Literal["open", "required"] | None = Field(
        None,
        description="open: X-Actor says who somebody is; required: a token or a key proves it; "
        "none: required where an issuer is set",
    )
    oidc_issuer: str = Field("", description="who signs people in: the `iss` of its tokens")
    oidc_audience: str = Field("sellers", description="the `aud` of tokens for this platform")
    oidc_jwks_url: str = Field(
        "", description="where the issuer's keys are; none: as its discovery document says"
    )
    oidc_roles_claim: str = Field(
        "roles", description="the claim, or path of claims, with somebody's roles or groups"
    )
    oidc_employee_claim: str = Field(
        "employee", description="the claim, or path of claims, with the id of a colleague"
    )
    oidc_role_names: dict[str, Role] = Field(
        {}, description="what the issuer calls our roles, JSON; none: as we do"
    )
    key_requests_max: int = Field(
        600, ge=1, le=1_000_000, description="requests a minute of a system's key"
    )
    zone_name: str = Field(
        "Asia/Seoul", alias="SELLERS_ZONE", description="the company's time zone"
    )
    currency: str = Field(
        "USD", pattern="^[A-Z]{3}$", description="the company's currency, ISO 4217"
    )
    defaults_file: FilePath | None = Field(
        None, description="the company's rules and numbers, TOML; none: as deploy/defaults.toml"
    )
    webhook_keys: SecretStr = Field(
        SecretStr(""),
        description="what secrets of webhooks are made of, 32 characters or more, the newest first "
        "where there are several (a,b); embedded: a file of the data directory",
    )
    master_key: SecretStr | None = Field(
        None, description="32 bytes, base64: wraps the key of every person; or master_key_file"
    )
    master_key_file: Path | None = Field(
        None, description="a file with the master key; embedded: made in data_dir when missing"
    )
    previous_master_key: SecretStr | None = Field(
        None, description="the master key before: what it wrapped is wrapped again at start"
    )
    data_dir: Path = Field(Path(".data"), description="where this process may keep files")
    host: str = Field("127.0.0.1", description="the address the HTTP server binds to")
    port: int = Field(8080, ge=0, le=65535, description="the port of the HTTP server")
    metrics_port: int | None = Field(
        None,
        ge=0,
        le=PORT_MAX,
        description="a port of their own for metrics; none: the HTTP server's",
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    batch_max: int = Field(2_000, ge=1, le=20_000, description="records folded in one transaction")
    parked_max: int = Field(50, ge=0, description="parked streams in a minute before folding stops")
    read_wait_s: float = Field(5.0, ge=0, le=30, description="how long a read waits to be fresh")
    drain_s: float = Field(5.0, ge=0, le=60, description="how long a shutdown waits for the log")

    http_body_bytes_max: int = Field(
        5_000_000, ge=100_000, le=100_000_000, description="bytes of one request's body"
    )
    http_body_s: float = Field(30.0, gt=0, le=600, description="how long a body may take to come")
    http_answer_s: float = Field(
        120.0, gt=0, le=3_600, description="how long a request may be worked on before it answers"
    )
    http_at_once_max: int = Field(
        1_000, ge=1, description="requests that are worked on at the same time"
    )
    http_rate_max: float = Field(
        2_000.0, ge=0, description="requests a second from one address; 0: any number"
    )
    http_hsts_s: int = Field(
        0,
        ge=0,
        le=63_072_000,
        description="for how many seconds browsers keep to https (HSTS); 0: nothing ends TLS here",
    )

    @field_validator("kafka")
    @classmethod
    def _names_brokers(cls, servers: str) -> str:
        for server in servers.split(","):
            named = BROKER.fullmatch(server)
            if named is None or not 0 < int(named["port"] or PORT_MAX) <= PORT_MAX:
                where = server.rpartition("@")[2]  # Before it: what somebody took for a password.
                raise ValueError(f"{where!r} is no broker's host:port")
        return servers

    @field_validator("zone_name")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"{name!r} is no IANA time zone")
        return name

    @field_validator("webhook_keys")
    @classmethod
    def _keys_are_long(cls, keys: SecretStr) -> SecretStr:
        told = keys.get_secret_value()
        if told and any(len(key) < WEBHOOK_KEY_CHARS for key in told.split(",")):
            raise ValueError(f"a key has at least {WEBHOOK_KEY_CHARS} characters")
        return keys

    @model_validator(mode="after")
    def _says_who_it_is(self) -> Settings:
        named = bool(self.kafka_sasl_username and self.kafka_sasl_password.get_secret_value())
        if self.kafka_security_protocol.startswith("SASL") and not named:
            raise ValueError("SASL needs SELLERS_KAFKA_SASL_USERNAME and _PASSWORD")
        if self.kafka_key_file and not self.kafka_cert_file:
            raise ValueError("SELLERS_KAFKA_KEY_FILE needs SELLERS_KAFKA_CERT_FILE")
        if self.kafka_cert_file and not self.kafka_security_protocol.endswith("SSL"):
            raise ValueError("SELLERS_KAFKA_CERT_FILE needs SSL in SELLERS_KAFKA_SECURITY_PROTOCOL")
        return self

    @field_validator("oidc_issuer", "oidc_jwks_url")
    @classmethod
    def _cannot_be_changed_on_the_way(cls, url: str) -> str:
        if url and not is_safe(url):
            raise ValueError(f"{url!r}: https, or http on this machine")
        return url

    @model_validator(mode="after")
    def _somebody_signs_people_in(self) -> Settings:
        if self.access == "open" and self.oidc_issuer:
            raise ValueError(
                "SELLERS_ACCESS=open and SELLERS_OIDC_ISSUER contradict each other: with an issuer "
                "access is `required`"
            )
        alone = self.embedded and self.host in LOOPBACK
        if self.access == "required" and not (self.oidc_issuer or alone):
            raise ValueError(
                "SELLERS_ACCESS=required needs SELLERS_OIDC_ISSUER: people are signed in without "
                "one on the embedded engine alone, and on this machine alone"
            )
        return self

    @model_validator(mode="after")
    def _no_misspelt_names(self) -> Settings:
        known = known_names() | {SECRETS_DIR, *NOT_OURS}
        unknown = sorted(n for n in os.environ if n.startswith(PREFIX) and n not in known)
        if unknown:
            raise ValueError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
        return self

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what nobody but the servers may read, whatever setting it is a part of."""
        held = (getattr(self, name) for name in type(self).model_fields)
        told = [one.get_secret_value() for one in held if isinstance(one, SecretStr)]
        # Several keys may stand in one setting, and be told one by one.
        ours = [part for text in told for part in (text, *text.split(","))]
        _, _, user = self.mongo.rpartition("@")[0].partition("://")
        password = user.partition(":")[2]
        return (*filter(None, (*ours, password, unquote(password))),)

    @property
    def signs_in(self) -> bool:
        """Whether people and systems have to prove who they are."""
        return self.access == "required" or (self.access is None and bool(self.oidc_issuer))

    @property
    def embedded(self) -> bool:
        return self.engine == "embedded"

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone_name)


def known_names() -> set[str]:
    """Return what may be set, as it is called in the environment."""
    return {
        str(field.alias or f"{PREFIX}{name}".upper())
        for name, field in Settings.model_fields.items()
    }


def load(**given: Any) -> Settings:
    """Return the settings of the environment, with what is `given` in their place.

    Raises:
        SettingsError: naming everything that is wrong, not only the first.

    """
    try:
        return Settings(_secrets_dir=_secrets_dir(), **given)
    except ValidationError as error:
        raise SettingsError("; ".join(_said(place, why) for place, why in causes(error))) from None


def _secrets_dir() -> Path | None:
    """Return where secrets lie as files, which it must be possible to read, by names that exist."""
    if (told := os.environ.get(SECRETS_DIR)) is None:
        return None
    try:
        # What begins with dots is how a volume swaps its files for new ones.
        names = {path.name for path in Path(told).iterdir() if not path.name.startswith("..")}
    except OSError as error:
        raise SettingsError(f"{SECRETS_DIR}: {error}") from error
    if unknown := sorted(name for name in names if name.upper() not in known_names()):
        known = ", ".join(sorted(name.lower() for name in known_names()))
        raise SettingsError(f"{SECRETS_DIR}: unknown: {', '.join(unknown)}; known: {known}")
    return Path(told)


def _said(place: tuple[str, ...], why: str) -> str:
    name = "".join(place[:1]).upper()
    return why if not name else f"{PREFIX}{name.removeprefix(PREFIX)}: {why}"


# Read by the command line and by the tests, not by services.
NOT_OURS = (
    "SELLERS_URL",
    "SELLERS_TOKEN",
    "SELLERS_ENGINES",
    "SELLERS_TEST_ENGINE",
    "SELLERS_KAFKA_JARS",
)
