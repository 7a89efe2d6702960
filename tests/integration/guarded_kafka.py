"""Apache Kafka as the manifests have it: TLS, a password for everybody, and rules for the rest.

Whatever no rule allows is refused. The broker itself, and whoever gives the rules, come in by a
listener without either, on this machine alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sellers.engines import ApacheKafka
from sellers.processes import HOST, free_ports
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
USERS = ROOT / "deploy" / "k8s" / "components" / "strimzi" / "users.yaml"
PASSWORD = "not-a-secret"  # noqa: S105 - of a broker that lives as long as a module
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
# As Kafka numbers them.
RESOURCES = {"topic": 2, "group": 3, "cluster": 4}
PATTERNS = {"literal": 3, "prefix": 4}
OPERATIONS = {
    "Read": 3,
    "Write": 4,
    "Create": 5,
    "Delete": 6,
    "Describe": 8,
    "DescribeConfigs": 10,
    "IdempotentWrite": 12,
}
ALLOW = 3
DAY = timedelta(days=1)

Rules = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Authority:
    """Signs certificates; `file` is what whoever trusts it is given."""

    file: Path
    _key: ec.EllipticCurvePrivateKey
    _name: x509.Name

    @classmethod
    def made(cls, folder: Path, name: str = "authority") -> Authority:
        folder.mkdir(parents=True, exist_ok=True)
        key, subject = ec.generate_private_key(ec.SECP256R1()), named(name)
        certificate = (
            certificate_of(subject, subject, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, SHA256())
        )
        file = folder / f"{name}.pem"
        file.write_bytes(certificate.public_bytes(Encoding.PEM))
        return cls(file, key, subject)

    def signed(self, *alternatives: x509.GeneralName, of: str = "server") -> Path:
        """Return a file with the key and the certificate of who goes by these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            certificate_of(named(of), self._name, key)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .sign(self._key, SHA256())
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file = self.file.with_name(f"{certificate.serial_number:x}.pem")
        file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
        return file


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def certificate_of(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        issuer, subject, key.public_key(), x509.random_serial_number(), now - DAY, now + DAY
    )


class GuardedKafka(ApacheKafka):
    """Lets in who trusts it and has a password or a certificate; lets do what a rule allows."""

    def __init__(self, data_dir: Path, users: Iterable[str]) -> None:
        super().__init__(data_dir)
        self._users = list(users)
        self._outer, self._certified = free_ports(2)
        self.authority = Authority.made(data_dir.with_name(f"{data_dir.name}-certificates"))
        self._server = self.authority.signed(x509.IPAddress(ip_address(HOST)))

    @property
    def guarded(self) -> str:
        """Where everybody has to say who they are; `address` is the broker's own way in."""
        return f"{HOST}:{self._outer}"

    def told(self, user: str) -> dict[str, Any]:
        """Return the settings by which somebody comes in under this name."""
        return {
            "kafka": self.guarded,
            "kafka_security_protocol": "SASL_SSL",
            "kafka_sasl_username": user,
            "kafka_sasl_password": PASSWORD,
            "kafka_ca_file": self.authority.file,
        }

    def certified(self, user: str) -> dict[str, Any]:
        """Return the settings by which somebody comes in with a certificate of their own."""
        return {
            "kafka": f"{HOST}:{self._certified}",
            "kafka_security_protocol": "SSL",
            "kafka_ca_file": self.authority.file,
            "kafka_cert_file": self.authority.signed(of=user),
        }

    def account(self, user: str, **more: Any) -> Settings:
        return Settings(**{**self.told(user), **more})

    def _settings(self) -> str:
        base = super()._settings()
        listeners = next(line for line in base.splitlines() if line.startswith("listeners="))
        more = {
            "listeners": f"{listeners.partition('=')[2]},SASL_SSL://{self.guarded},"
            f"SSL://{HOST}:{self._certified}",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,"
            "SASL_SSL:SASL_SSL,SSL:SSL",
            "inter.broker.listener.name": "PLAINTEXT",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": SCRAM,
            "listener.name.sasl_ssl.ssl.keystore.type": "PEM",
            "listener.name.sasl_ssl.ssl.keystore.location": self._server,
            "listener.name.ssl.ssl.keystore.type": "PEM",
            "listener.name.ssl.ssl.keystore.location": self._server,
            "listener.name.ssl.ssl.truststore.type": "PEM",
            "listener.name.ssl.ssl.truststore.location": self.authority.file,
            "listener.name.ssl.ssl.client.auth": "required",
            # The rules name people by what their certificate calls them, as Strimzi's do.
            "ssl.principal.mapping.rules": "RULE:^CN=(.*)$/$1/,DEFAULT",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            # Whoever comes without a name comes by the broker's own way in.
            "super.users": "User:ANONYMOUS",
        }
        # Of two lines for one setting, the later one counts.
        return base + "".join(f"{key}={value}\n" for key, value in more.items())

    def _java(self, heap: str) -> list[str | Path]:
        return super()._java("384m" if heap == "256m" else heap)

    def _format(self) -> Sequence[str | Path]:
        """With the users' passwords: no broker is needed to make the first of them."""
        scram = [
            word
            for user in self._users
            for word in ("--add-scram", f"SCRAM-SHA-512=[name={user},password={PASSWORD}]")
        ]
        return (*super()._format(), *scram)


def rules_of(user: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the rules of a KafkaUser of Strimzi."""
    found: Sequence[Mapping[str, Any]] = user["spec"]["authorization"]["acls"]
    return found


def users_of_the_manifests() -> Rules:
    users = yaml.safe_load_all(USERS.read_text(encoding="utf-8"))
    return {user["metadata"]["name"]: rules_of(user) for user in users}


class _Allowed(NamedTuple):
    resource: int
    name: str
    pattern: int
    principal: str
    host: str
    operation: int
    permission: int


class _AllAtOnce(CreateAclsRequest):  # type: ignore[misc]  # it ships no types
    """One request for all rules; the client's own takes one rule."""

    def __init__(self, allowed: Sequence[_Allowed]) -> None:
        self._allowed = allowed

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class([tuple(each) for each in self._allowed])


async def grant(address: str, users: Rules) -> None:
    allowed = [
        _Allowed(
            RESOURCES[rule["resource"]["type"]],
            rule["resource"].get("name", "kafka-cluster"),
            PATTERNS[rule["resource"].get("patternType", "literal")],
            f"User:{user}",
            "*",
            OPERATIONS[operation],
            ALLOW,
        )
        for user, rules in users.items()
        for rule in rules
        for operation in rule["operations"]
    ]
    admin: Any = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        answer = await admin._send_to_controller(_AllAtOnce(allowed))
    finally:
        await admin.close()
    assert [code for code, _ in answer.creation_responses] == [0] * len(allowed)
