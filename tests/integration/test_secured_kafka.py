"""What the manifests and docs/access.md let each account do on Kafka, and what they keep from it.

The parts of the platform run under their own accounts, over TLS, beside systems of others that have
the accounts of the page.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import ssl
import sys
import time
from argparse import ArgumentParser
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    NoError,
    NotLeaderForPartitionError,
    TopicAuthorizationFailedError,
    for_code,
)
from cryptography import x509
from httpx2 import AsyncClient

from sellers.errors import CommandError
from sellers.node import MODULES
from sellers.parts import Part
from sellers.processes import HOST
from sellers.topics import apply_topics
from services.contacts.touch_events import STRUCTURED, TYPE
from shared.kafka import log_of, security_of
from shared.log import LogUnavailableError
from shared.settings import Settings, SettingsError
from shared.topics import load_topics
from tests.conftest import running
from tests.integration.conftest import until
from tests.integration.guarded_kafka import (
    PASSWORD,
    ROOT,
    Authority,
    GuardedKafka,
    Rules,
    grant,
    users_of_the_manifests,
)
from tests.integration.in_parts import opened

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

PAGE = ROOT / "docs" / "access.md"
PREFIX = f"t{uuid4().hex[:8]}_"
DOMAINS = [module.domain.name for module in MODULES]
PARTS = (*(Part(kind, name) for name in DOMAINS for kind in ("api", "projector")), Part("platform"))
ONE_DOMAIN = (Part("api", "organization"), Part("projector", "organization"))
TOPICS = [spec.name for spec in load_topics()]
EXAMPLES = ROOT / "examples"
INBOX = "touches-inbox"
# Who takes what was read of the inbox out of it, which is all that is ever deleted.
CLEARS = {"sellers", "sellers-contacts"}
# How long a client tries that is not let in, and how much longer its end may take here.
TRIED_S, SLOW_S, EXAMPLE_S = 2.0, 10.0, 60.0


def allowed(kind: str, name: str, *operations: str, pattern: str = "literal") -> dict[str, Any]:
    resource = {"type": kind, "name": name, "patternType": pattern}
    return {"resource": resource, "operations": operations}


def in_our_groups(rules: Rules) -> Rules:
    """Return the rules for databases and groups that begin as they do here."""

    def ours(resource: dict[str, Any]) -> dict[str, Any]:
        if resource["type"] != "group":
            return resource
        assert resource["name"].startswith("sellers_")
        return {**resource, "name": PREFIX + resource["name"].removeprefix("sellers_")}

    return {
        user: [{**rule, "resource": ours(rule["resource"])} for rule in theirs]
        for user, theirs in rules.items()
    }


class Words(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise AssertionError(message)


def accounts_of_the_page() -> Rules:
    """Return what the commands of the page allow to whom."""
    parser = Words()
    for word in ("--bootstrap-server", "--command-config", "--topic", "--group"):
        parser.add_argument(word)
    parser.add_argument("--allow-principal", required=True)
    parser.add_argument("--add", action="store_true", required=True)
    parser.add_argument("--consumer", action="store_true")
    parser.add_argument("--operation", action="append", default=[])
    parser.add_argument("--resource-pattern-type", default="literal")
    section = PAGE.read_text(encoding="utf-8").split("\n## On Kafka\n")[1].split("\n## ")[0]
    told = section.split("```\n")[1].replace("\\\n", " ")
    found: dict[str, list[dict[str, Any]]] = {}
    for line in told.splitlines():
        program, *words = shlex.split(line)
        assert program == "kafka-acls.sh"
        given = parser.parse_args(words)
        assert given.consumer != bool(given.operation)
        # As Kafka's command reads `--consumer`.
        on_topics = given.operation or ["Read", "Describe"]
        pattern = given.resource_pattern_type.removesuffix("ed")
        rules = []
        if given.topic:
            rules.append(allowed("topic", given.topic, *on_topics, pattern=pattern))
        if given.group:
            rules.append(allowed("group", given.group, "Read", pattern=pattern))
        found.setdefault(given.allow_principal.removeprefix("User:"), []).extend(rules)
    return {**found}


# What the table of the page has beside its commands: one account for all of the platform, and
# whoever operates the brokers.
DECLARES = ("Read", "Write", "Describe", "Create", "DescribeConfigs")
OF_THE_TABLE: Rules = {
    "sellers": [
        *(allowed("topic", topic, *DECLARES) for topic in TOPICS),
        allowed("topic", INBOX, "Delete"),
        allowed("group", PREFIX, "Read", "Describe", pattern="prefix"),
    ],
    "operator": [
        allowed("topic", "*", "Describe", "DescribeConfigs"),
        allowed("group", "*", "Describe"),
    ],
}


@pytest.fixture(scope="module")
def accounts() -> Rules:
    """Return who is let in here, and what each of them may."""
    return {
        **in_our_groups(users_of_the_manifests()),
        **accounts_of_the_page(),
        **OF_THE_TABLE,
    }


@pytest.fixture(scope="module")
async def guarded(accounts: Rules, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("guarded")
    with running(GuardedKafka(folder / "kafka", accounts)) as log:
        await grant(log.address, accounts)
        yield log


@pytest.fixture(scope="module")
async def topics(guarded: GuardedKafka) -> dict[str, list[str]]:
    """Which account has made which topics, before any part starts."""
    log = await log_of(guarded.account("sellers"))
    try:
        whole = await log.create_topics(load_topics()[:1])
    finally:
        await log.close()
    job = await asyncio.to_thread(apply_topics, guarded.account("sellers-topics"))
    return {"sellers": whole, "sellers-topics": job}


@pytest.fixture(scope="module")
async def parts(
    guarded: GuardedKafka,
    topics: dict[str, list[str]],
    mongo_engine: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[dict[str, AsyncClient]]:
    """All that the manifests run, but the worker of the figures."""

    def own(part: Part) -> dict[str, Any]:
        return guarded.told(f"sellers-{part.domain or part.kind}")

    folder = tmp_path_factory.mktemp
    more: dict[str, Any] = {"database_prefix": PREFIX, "own": own}
    async with opened(PARTS, guarded, mongo_engine, folder, **more) as (_, http):
        await all_ready(http)
        yield http


async def all_ready(http: dict[str, AsyncClient]) -> None:
    for client in http.values():

        async def ready(client: AsyncClient = client) -> bool:
            missing = (await client.get("/readyz")).json().get("missing", {})
            return set(missing) <= {"analytics worker"}

        await until(ready)


@pytest.fixture
def who() -> str:
    return f"p{uuid4().hex[:10]}"


# --- what everybody needs, they may


def test_the_topics_are_made_by_whoever_may(topics: dict[str, list[str]]) -> None:
    assert topics == {"sellers": TOPICS[:1], "sellers-topics": TOPICS[1:]}


async def test_a_person_and_a_touch_are_read_back(parts: dict[str, AsyncClient], who: str) -> None:
    contacts = parts["contacts api"]
    path = f"/contacts/people/{who}"
    made = await contacts.post(f"{path}/register", json={"name": "Ada"})
    assert made.status_code == 202, made.text
    read = await contacts.get(path, headers={"x-at-least": made.json()["token"]})
    assert (read.status_code, read.json()["name"]) == (200, "Ada")

    touch = {"person": f"person-{who}", "channel": "call"}
    key = {"idempotency-key": who}
    sent = await contacts.post("/touches?source=test", json=touch, headers=key)
    assert sent.status_code == 202, sent.text
    at_least = {"x-at-least": sent.json()["token"]}
    months = await contacts.get(f"{path}/timeline", headers=at_least)
    assert (months.status_code, sent.json()["stream"] in months.text) == (200, True), months.text


async def test_an_opportunity_is_read_back(parts: dict[str, AsyncClient], who: str) -> None:
    path = f"/opportunities/{who}"
    deal = {"company": "company-acme", "owner": "employee-ada", "title": "Looms"}
    made = await parts["opportunities api"].post(f"{path}/discover", json=deal)
    assert made.status_code == 202, made.text
    at_least = {"x-at-least": made.json()["token"]}
    read = await parts["opportunities api"].get(path, headers=at_least)
    assert (read.status_code, read.json()["owner"]) == (200, "employee-ada"), read.text


async def test_one_account_is_enough_for_a_platform(
    topics: dict[str, list[str]], guarded: GuardedKafka, mongo_engine: Any, tmp_path: Path, who: str
) -> None:
    more = {**guarded.told("sellers"), "database_prefix": f"{PREFIX}one_"}
    async with opened(ONE_DOMAIN, guarded, mongo_engine, lambda _: tmp_path, **more) as (_, http):
        await all_ready(http)
        path = f"/organization/employees/{who}"
        day = {"name": "Ada", "on": "2026-01-05"}
        made = await http["organization api"].post(f"{path}/join", json=day)
        assert made.status_code == 202, made.text
        at_least = {"x-at-least": made.json()["token"]}
        read = await http["organization api"].get(path, headers=at_least)
        assert (read.status_code, read.json()["name"]) == (200, "Ada"), read.text


async def test_what_the_calendar_notes_analytics_reads(
    parts: dict[str, AsyncClient], who: str
) -> None:
    query = f"/calendar/time?seller=employee-{who}&first=2026-01-05&last=2026-01-11"
    shown = await parts["calendar api"].get(query, headers={"x-actor": "employee-boss"})
    assert shown.status_code == 200, shown.text
    asks = {"x-actor": f"employee-{who}"}

    async def noted() -> bool:
        looks = await parts["analytics api"].get(f"/analytics/looks/{who}", headers=asks)
        return "employee-boss" in looks.text

    await until(noted)


async def test_the_platform_sees_how_far_everybody_is(parts: dict[str, AsyncClient]) -> None:
    async def even() -> bool:
        rows = (await parts["platform"].get("/lag")).json()["projections"]
        ours = [row for row in rows if not of_worker(row)]
        assert {row["domain"] for row in ours} == {*DOMAINS}
        return not any(row["lag"] for row in ours)

    await until(even)
    page = await parts["platform"].get("/events?limit=10")
    assert page.status_code == 200, page.text


def of_worker(row: dict[str, Any]) -> bool:
    return str(row["collection"]).startswith("measures_")  # None runs here.


# --- systems of others


def client_of(guarded: GuardedKafka, user: str) -> dict[str, Any]:
    """Return how a client of others comes in under this name."""
    return {"bootstrap_servers": guarded.guarded, **security_of(guarded.account(user))}


async def write(guarded: GuardedKafka, user: str, topic: str, value: bytes, **more: Any) -> None:
    async with AIOKafkaProducer(**client_of(guarded, user), acks="all") as producer:
        await producer.send_and_wait(topic, value, key=b"any", **more)


async def read(
    guarded: GuardedKafka, user: str, topic: str, group: str | None = None
) -> list[bytes]:
    """Return the keys of some first records of a topic."""
    told: dict[str, Any] = {"group_id": group, "auto_offset_reset": "earliest"}
    async with AIOKafkaConsumer(topic, **client_of(guarded, user), **told) as consumer:
        found = await consumer.getmany(timeout_ms=5_000)
        if group is not None:
            await consumer.commit()
        return [record.key for records in found.values() for record in records]


async def test_a_publisher_fills_the_inbox(
    parts: dict[str, AsyncClient], guarded: GuardedKafka, who: str
) -> None:
    event = {
        "specversion": "1.0",
        "type": TYPE,
        "id": who,
        "source": "/mailer",
        "time": "2026-03-02T09:00:00Z",
        "data": {"person": f"person-{who}", "channel": "campaign"},
    }
    headers = [("content-type", STRUCTURED.encode())]
    await write(guarded, "mailer", "touches-inbox", orjson.dumps(event), headers=headers)

    async def arrived() -> bool:
        told = await parts["contacts api"].get(f"/contacts/people/{who}/timeline")
        return told.status_code == 200 and "campaign" in told.text

    await until(arrived)

    async def left() -> bool:
        async with AIOKafkaConsumer(**client_of(guarded, "sellers-contacts")) as consumer:
            parts = [TopicPartition(INBOX, number) for number in range(4)]
            begins = await consumer.beginning_offsets(parts)
            return bool(begins == await consumer.end_offsets(parts) and any(begins.values()))

    await until(left)


async def test_a_consumer_copies_views(
    parts: dict[str, AsyncClient], guarded: GuardedKafka, who: str
) -> None:
    path = f"/contacts/people/{who}/register"
    made = await parts["contacts api"].post(path, json={"name": "Ada"})
    assert made.status_code == 202, made.text
    key = f"person-{who}".encode()

    async def published() -> bool:
        return key in await read(guarded, "bi", "views.person_card")

    await until(published)
    assert await read(guarded, "bi", "views.person_card", "bi-copy")


@asynccontextmanager
async def admin_of(guarded: GuardedKafka, user: str) -> AsyncIterator[Any]:
    admin: Any = AIOKafkaAdminClient(**client_of(guarded, user))
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


def reasons(rows: Sequence[Any], code_at: int) -> set[type[Exception]]:
    return {for_code(row[code_at]) for row in rows}


async def test_an_operator_sees_topics_and_groups(
    parts: dict[str, AsyncClient], guarded: GuardedKafka
) -> None:
    async with admin_of(guarded, "operator") as admin:
        assert {each["topic"] for each in await admin.describe_topics()} >= {*TOPICS}
        (told,) = await admin.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, "contacts")]
        )
        assert reasons(told.resources, 0) == {NoError}
        groups = {group for group, _ in await admin.list_consumer_groups()}
        assert f"{PREFIX}contacts.keeper_v1" in groups


async def test_who_has_a_certificate_needs_no_password(
    topics: dict[str, list[str]], guarded: GuardedKafka
) -> None:
    """And is who it says: the same rules hold as for the account of that name."""
    log = await log_of(Settings(**guarded.certified("sellers-contacts")))
    try:
        await log.append("touches-answers", "nobody", b"{}")
        with pytest.raises(LogUnavailableError, match="TopicAuthorizationFailed"):
            await log.append("calendar", "entry-mtls", b"{}")
    finally:
        await log.close()


async def test_the_examples_come_in_as_the_page_says(
    parts: dict[str, AsyncClient], guarded: GuardedKafka, who: str
) -> None:
    """A publisher by its password; and nobody without one, or with a certificate of nobody."""
    ca = ("--kafka", guarded.guarded, "--ca", str(guarded.authority.file))
    line = orjson.dumps({"id": who, "data": {"person": f"person-{who}", "channel": "campaign"}})
    publish = ("publish_touches.py", "--source", "/example", *ca, "--user", "mailer")
    code, out, _ = await example(*publish, password=PASSWORD, said=line)
    assert (code, out) == (0, "sent 1\n")
    code, _, said = await example(*publish, password="", said=line)
    assert (code, said) == (1, "--user mailer: KAFKA_PASSWORD does not say its password\n")
    path = f"/contacts/people/{who}/register"
    made = await parts["contacts api"].post(path, json={"name": "Ada"})
    assert made.status_code == 202, made.text
    copy = ("kafka_copy.py", "--view", "person_card", "--once", *ca, "--user", "bi")

    async def copied() -> bool:
        _, out, _ = await example(*copy, password=PASSWORD)
        return f"person-{who}" in out

    await until(copied)


async def example(*words: str, password: str = "", said: bytes = b"") -> tuple[int, str, str]:
    """Run one of the examples; return how it ended and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(EXAMPLES / words[0]), *words[1:]),
        env={**os.environ, "KAFKA_PASSWORD": password},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await asyncio.wait_for(process.communicate(said), EXAMPLE_S)
    return process.returncode or 0, out.decode(), errors.decode()


# --- what nobody needs, nobody may


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        ("mailer", "touches"),
        ("mailer", "touches-answers"),
        ("mailer", "contacts"),
        ("bi", "views.person_card"),
        ("bi", "touches-inbox"),
        ("bi", "calendar"),
        ("operator", "contacts"),
        ("sellers-calendar", "contacts"),
        ("sellers-contacts", "touches-inbox"),
        ("sellers-analytics", "calendar"),
        ("sellers-platform", "analytics"),
        ("sellers-topics", "contacts"),
    ],
)
async def test_a_topic_of_others_is_not_written(
    topics: dict[str, list[str]], guarded: GuardedKafka, user: str, topic: str
) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        await write(guarded, user, topic, b"{}")


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        ("mailer", "contacts"),
        ("mailer", "touches-inbox"),
        ("bi", "calendar"),
        ("bi", "contacts"),
        ("bi", "touches-answers"),
        ("operator", "contacts"),
        ("sellers-calendar", "touches-inbox"),
        ("sellers-platform", "touches-inbox"),
        ("sellers-topics", "contacts"),
    ],
)
async def test_a_topic_of_others_is_not_read(
    topics: dict[str, list[str]], guarded: GuardedKafka, user: str, topic: str
) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        await read(guarded, user, topic)


@pytest.mark.parametrize(
    ("user", "topic", "group"),
    [
        ("bi", "views.person_card", "reports"),
        ("bi", "views.person_card", "{prefix}contacts.keeper_v1"),
        ("operator", "contacts", "{prefix}contacts.keeper_v1"),
        ("sellers-calendar", "contacts", "{prefix}contacts.keeper_v1"),
        ("sellers-platform", "contacts", "{prefix}contacts.keeper_v1"),
    ],
)
async def test_a_group_of_others_is_not_joined(
    topics: dict[str, list[str]], guarded: GuardedKafka, user: str, topic: str, group: str
) -> None:
    with pytest.raises(GroupAuthorizationFailedError):
        await read(guarded, user, topic, group.format(prefix=PREFIX))


async def test_nobody_deletes_or_alters_a_topic(
    topics: dict[str, list[str]], guarded: GuardedKafka, accounts: Rules
) -> None:
    refused = {user: {TopicAuthorizationFailedError} for user in accounts}
    forgetful = [
        ConfigResource(ConfigResourceType.TOPIC, topic, configs={"retention.ms": "1"})
        for topic in TOPICS
    ]
    deleted, altered, made = {}, {}, {}
    for user in accounts:
        kept = [topic for topic in TOPICS if topic != INBOX or user not in CLEARS]
        async with admin_of(guarded, user) as admin:
            deleted[user] = reasons((await admin.delete_topics(kept)).topic_error_codes, 1)
            for topic in kept:
                # Of a topic that they may not even see, nobody is told who leads it.
                with pytest.raises((TopicAuthorizationFailedError, NotLeaderForPartitionError)):
                    await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(0)})
            (answer,) = await admin.alter_configs(forgetful)
            altered[user] = reasons(answer.resources, 0)
            new = await admin.create_topics([NewTopic("contacts.copy", 1, 1)])
            made[user] = reasons(new.topic_errors, 1)
            for topic in TOPICS:
                with pytest.raises(TopicAuthorizationFailedError):
                    await admin.create_partitions({topic: NewPartitions(9)})
    assert (deleted, altered, made) == (refused, refused, refused)


# --- who is not let in at all


async def test_a_wrong_password_is_named(
    guarded: GuardedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = guarded.account("sellers-contacts", kafka_sasl_password="wrong")  # noqa: S106
    await not_let_in(wrong, "Authentication failed.*invalid credentials")
    monkeypatch.setattr("sellers.topics.WAIT_S", TRIED_S)
    with pytest.raises(CommandError, match="Authentication failed"):
        await asyncio.to_thread(apply_topics, wrong)


async def test_a_stranger_is_named(guarded: GuardedKafka) -> None:
    await not_let_in(guarded.account("nobody"), "Authentication failed.*invalid credentials")


async def test_a_certificate_that_nobody_trusts_is_named(
    guarded: GuardedKafka, tmp_path: Path
) -> None:
    why = "certificate verify failed"
    other = Authority.made(tmp_path, "another authority").file
    await not_let_in(guarded.account("sellers-contacts", kafka_ca_file=other), why)
    # What the system trusts is nothing that a test has made.
    await not_let_in(guarded.account("sellers-contacts", kafka_ca_file=None), why)


async def test_whoever_has_another_s_certificate_is_named(
    guarded: GuardedKafka, tmp_path: Path
) -> None:
    """Somebody between us and the brokers, with a certificate of the same authority."""
    speaks = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    speaks.load_cert_chain(guarded.authority.signed(x509.DNSName("elsewhere.test")))
    server = await asyncio.start_server(lambda *_: None, HOST, 0, ssl=speaks)
    async with server:
        there = f"{HOST}:{server.sockets[0].getsockname()[1]}"
        wrong = guarded.account("sellers-contacts", kafka=there)
        await not_let_in(wrong, "certificate is not valid for")


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SASL_PLAINTEXT"])
async def test_who_does_not_speak_tls_is_not_let_in(guarded: GuardedKafka, protocol: str) -> None:
    plain = guarded.account("sellers-contacts", kafka_security_protocol=protocol)
    await not_let_in(plain, "Unable connect to")


async def test_who_has_no_certificate_or_a_foreign_one_is_not_let_in(
    guarded: GuardedKafka, tmp_path: Path
) -> None:
    told = guarded.certified("sellers-contacts")
    foreign = Authority.made(tmp_path, "another authority").signed(of="sellers-contacts")
    for certificate in (None, foreign):
        await not_let_in(Settings(**{**told, "kafka_cert_file": certificate}), "")


def test_a_file_without_certificates_is_named(guarded: GuardedKafka, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    with pytest.raises(SettingsError, match=r"SELLERS_KAFKA_CA_FILE: .*ca\.pem: "):
        security_of(guarded.account("sellers-contacts", kafka_ca_file=tmp_path / "ca.pem"))


async def not_let_in(settings: Settings, why: str) -> None:
    """Our client says so in the time that it is given, and names the cause."""
    told = f"no broker answers at {settings.kafka} within {TRIED_S:g} s: .*{why}"
    began = time.monotonic()
    with pytest.raises(LogUnavailableError, match=told):
        await log_of(settings, wait_s=TRIED_S)
    assert time.monotonic() - began < TRIED_S + SLOW_S
