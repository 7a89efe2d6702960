"""The manifests say of the platform what the platform is: parts, settings, topics, accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from importlib.util import find_spec

import pytest

from sellers.admission import asked_by
from sellers.cli import app
from sellers.node import MODULES, SHOW_COLLEAGUES, sections
from sellers.parts import Part, part_of
from shared.observability import LAG_RECORDS
from shared.pulling import fact_topics
from shared.settings import SECRETS_DIR, Settings, known_names
from shared.topics import declared_topics
from tests.deploy.conftest import Object, Rendered, called

pytestmark = pytest.mark.deploy

DOMAINS = sorted(sections())
PREFIX = Settings.model_fields["database_prefix"].default
DAY_MS = 24 * 3600 * 1000


def commands(rendered: Rendered) -> dict[str, list[str]]:
    return {
        name: [*container["command"], *container.get("args", ())]
        for name, _, container in rendered.containers()
    }


def test_every_command_exists(rendered: Rendered) -> None:
    scripts = {script.name for script in entry_points(group="console_scripts")}
    known = {command.callback.__name__ for command in app.registered_commands if command.callback}
    for name, words in commands(rendered).items():
        match words:
            case ["python", "-m", "sellers.node", *part]:
                part_of(part, DOMAINS)
            case ["python", "-m", module, *_]:
                assert find_spec(module), name
            case ["sellers", command, *_]:
                assert "sellers" in scripts, name
                assert command in known, name
            case _:
                pytest.fail(f"{name}: {words}")


def test_every_part_runs(rendered: Rendered) -> None:
    found = {
        part_of(words[3:], DOMAINS)
        for words in commands(rendered).values()
        if words[2] == "sellers.node"
    }
    halves = {Part(kind, name) for kind in ("api", "projector") for name in DOMAINS}
    assert found == halves | {Part("platform")}
    others = [words for words in commands(rendered).values() if words[2] != "sellers.node"]
    assert sorted(others) == [
        ["python", "-m", "services.analytics.stream", "--serve-probes"],
        ["sellers", "topics", "--apply"],
    ]


def told_settings(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Yield who sets which setting, by the environment or by a file."""
    (settings,) = rendered.of("ConfigMap")
    for name in settings["data"]:
        yield called(settings), name
    for name, pod, container in rendered.containers():
        for variable in container["env"]:
            yield name, variable["name"]
        (laid,) = (v for v in pod["volumes"] if v["name"] == "secrets")
        for source in laid["projected"]["sources"]:
            for item in source["secret"]["items"]:
                yield name, item["path"].upper()


def test_every_setting_is_real(rendered: Rendered) -> None:
    names = known_names() | {SECRETS_DIR}
    assert {told for told in told_settings(rendered) if told[1] not in names} == set()


def test_everything_reads_the_settings_and_is_called_as_its_pod(rendered: Rendered) -> None:
    (settings,) = rendered.of("ConfigMap")
    for name, _, container in rendered.containers():
        (source,) = container["envFrom"]
        assert source["configMapRef"]["name"] == settings["metadata"]["name"], name
        if name != "Job/topics":
            told = {each["name"]: each for each in container["env"]}
            field = told["SELLERS_INSTANCE"]["valueFrom"]["fieldRef"]["fieldPath"]
            assert field == "metadata.name", name


def test_settings_say_where_files_are_mounted(rendered: Rendered) -> None:
    (settings,) = rendered.of("ConfigMap")
    files = {k: v for k, v in settings["data"].items() if v.startswith("/")}
    store = rendered.named("MongoDBCommunity", "sellers-mongodb")["spec"]
    # The operator writes it into every connection string.
    files["tlsCAFile"] = store["additionalConnectionStringConfig"]["tlsCAFile"]
    for name, _, container in rendered.containers():
        mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
        for setting, path in files.items():
            if name == "Job/topics" and setting in {"SELLERS_DATA_DIR", "tlsCAFile"}:
                continue  # It keeps nothing, and speaks to no store.
            assert any(path == m or path.startswith(f"{m}/") for m in mounts), (name, setting)


def test_secrets_are_only_referred_to(rendered: Rendered) -> None:
    assert rendered.of("Secret") == []
    assert re.findall(r"(?im)^\s*(?:password|token):\s*\S+|://\S+:\S+@", rendered.text) == []
    (settings,) = rendered.of("ConfigMap")
    assert not any("PASSWORD" in name or "MONGO" in name for name in settings["data"])
    for name, _, container in rendered.containers():
        assert not any("PASSWORD" in each["name"] for each in container["env"]), name


def test_every_topic_is_declared_as_it_is(rendered: Rendered) -> None:
    found = {
        t["spec"].get("topicName", t["metadata"]["name"]): t["spec"]
        for t in rendered.of("KafkaTopic")
    }
    declared = declared_topics()
    assert found.keys() == {topic.name for topic in declared}
    for topic in declared:
        spec = found[topic.name]
        config = spec["config"]
        assert spec["partitions"] == topic.partitions
        # Facts never expire; what others send us and what they are answered do, once long read.
        assert config["retention.ms"] == (topic.days * DAY_MS if topic.days else -1)
        assert config["cleanup.policy"] == ("compact" if topic.cleanup == "compact" else "delete")
        kept = topic.spec.tombstones_kept_s * 1000 if topic.cleanup == "compact" else None
        assert config.get("delete.retention.ms") == kept


def test_production_keeps_three_copies(prod: Rendered) -> None:
    for topic in prod.of("KafkaTopic"):
        assert topic["spec"]["replicas"] == 3
        assert topic["spec"]["config"]["min.insync.replicas"] == 2
    config = prod.named("Kafka", "sellers")["spec"]["kafka"]["config"]
    assert (config["default.replication.factor"], config["min.insync.replicas"]) == (3, 2)
    assert config["auto.create.topics.enable"] is False
    assert prod.named("MongoDBCommunity", "sellers-mongodb")["spec"]["members"] == 3


def rights(user: Object, kind: str, operation: str) -> set[str]:
    return {
        rule["resource"].get("name", "")
        for rule in user["spec"]["authorization"]["acls"]
        if rule["resource"]["type"] == kind and operation in rule["operations"]
    }


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_service_may_what_it_does_on_the_log(rendered: Rendered, domain: str) -> None:
    user = rendered.named("KafkaUser", f"sellers-{domain}")
    topics = declared_topics()
    writes = {t.name for t in topics if domain in t.producers}
    # Answers are for those who wrote; of what is the log's a keeper reads what its domain wrote.
    kept = {t.name for t in topics if t.cleanup != "expire"}
    reads = {t.name for t in topics if domain in t.consumers} | writes & kept
    notes = {"analytics"} if domain in SHOW_COLLEAGUES else set()
    assert rights(user, "topic", "Write") == writes | notes
    if domain == "webhooks":  # It delivers whatever facts somebody asks for.
        reads |= {*fact_topics()}
    assert rights(user, "topic", "Read") == reads
    # What was read of an inbox leaves it: the log itself is kept for ever.
    read = {t.name for t in topics if t.is_inbox and domain in t.consumers}
    assert rights(user, "topic", "Delete") == read
    assert rights(user, "topic", "Describe") == {t.name for t in topics}
    assert rights(user, "topic", "DescribeConfigs") == {t.name for t in topics}
    groups = {f"{PREFIX}{domain}."}
    if domain == "analytics":
        groups.add(f"{PREFIX}analytics-measures-")
    assert rights(user, "group", "Read") == groups


def test_nobody_may_more(rendered: Rendered) -> None:
    names = {t.name for t in declared_topics()}
    users = {user["metadata"]["name"]: user for user in rendered.of("KafkaUser")}
    assert users.keys() == {f"sellers-{who}" for who in (*DOMAINS, "platform", "topics")}
    assert rights(users["sellers-platform"], "topic", "Write") == set()
    # Facts and views; what somebody has sent us is read by whoever makes facts of it.
    views = {t.name for t in declared_topics() if t.cleanup == "compact"}
    assert rights(users["sellers-platform"], "topic", "Read") == {*fact_topics()} | views
    assert rights(users["sellers-topics"], "topic", "Create") == names
    for user in users.values():
        for rule in user["spec"]["authorization"]["acls"]:
            assert not {"All", "Alter", "AlterConfigs", "ClusterAction"} & {*rule["operations"]}
            if "Delete" in rule["operations"]:
                assert rule["resource"]["name"] in {t.name for t in declared_topics() if t.is_inbox}
            if rule["resource"]["type"] == "cluster":  # To open a producer, which writes nothing.
                assert rule["operations"] == ["IdempotentWrite"]
                continue
            assert rule["resource"]["type"] in {"topic", "group"}
            assert rule["resource"]["name"] not in {"", "*"}


def test_every_part_has_the_account_of_its_domain(rendered: Rendered) -> None:
    kafka = {user["metadata"]["name"] for user in rendered.of("KafkaUser")}
    store = rendered.named("MongoDBCommunity", "sellers-mongodb")["spec"]["users"]
    connections = {user["connectionStringSecretName"]: user for user in store}
    for name, pod, container in rendered.containers():
        account = {e["name"]: e.get("value") for e in container["env"]}[
            "SELLERS_KAFKA_SASL_USERNAME"
        ]
        assert account in kafka, name
        (laid,) = (v for v in pod["volumes"] if v["name"] == "secrets")
        secrets = [source["secret"]["name"] for source in laid["projected"]["sources"]]
        assert secrets[0] == account, name
        own = [f"{account}-mongodb"] if name != "Job/topics" else []
        keys = ["sellers-webhook-keys"] if account == "sellers-webhooks" else []
        master = ["sellers-master-key"] if own and name != "StatefulSet/worker" else []
        assert secrets[1:] == own + master + keys, name
        assert {*own} <= connections.keys(), name


def test_a_service_may_write_in_its_own_database(rendered: Rendered) -> None:
    store = rendered.named("MongoDBCommunity", "sellers-mongodb")["spec"]["users"]
    may = {user["name"]: {(role["name"], role["db"]) for role in user["roles"]} for user in store}
    for module in MODULES:
        name = module.domain.name
        noted = {"analytics"} if name in SHOW_COLLEAGUES else set()
        databases = {name, "organization", "keys"} | noted | asked_by(module.RULES)
        assert may.pop(f"sellers-{name}") == {("readWrite", f"{PREFIX}{d}") for d in databases}
    assert may.pop("sellers-platform") == {
        ("readWrite", f"{PREFIX}{d}") for d in (*DOMAINS, "keys")
    }
    assert may == {}


def test_projectors_scale_to_the_partitions_they_share(prod: Rendered) -> None:
    partitions = {topic.partitions for topic in declared_topics()}
    (monitor,) = prod.of("ServiceMonitor")
    (renamed,) = monitor["spec"]["endpoints"][0]["relabelings"]
    assert renamed["targetLabel"] == "job"
    for each in prod.of("ScaledObject"):
        spec, target = each["spec"], each["spec"]["scaleTargetRef"]["name"]
        assert spec["maxReplicaCount"] <= max(partitions)
        (trigger,) = spec["triggers"]
        query = trigger["metadata"]["query"]
        # The figure exists, and of that job: Prometheus calls it after the Service that it found.
        assert LAG_RECORDS.describe()[0].name in query
        service = prod.named("Service", target)["metadata"]["name"]
        assert f'job="{renamed["replacement"].replace("$1", service)}"' in query
