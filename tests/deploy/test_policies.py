"""Every policy finds what breaks it: manifests are damaged one way each, and its test must fail."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.deploy import test_composition as composition
from tests.deploy import test_edges as edges
from tests.deploy import test_pods as pods
from tests.deploy.conftest import Object, Rendered

pytestmark = pytest.mark.deploy

Damage = Callable[[Rendered], Any]


def api(told: Rendered) -> Object:
    return told.named("Deployment", "contacts-api")


def pod(told: Rendered) -> Object:
    found: Object = api(told)["spec"]["template"]["spec"]
    return found


def container(told: Rendered) -> Object:
    found: Object = pod(told)["containers"][0]
    return found


def store(told: Rendered) -> Object:
    found: Object = told.named("MongoDBCommunity", "sellers-mongodb")["spec"]["statefulSet"]
    pod: Object = found["spec"]["template"]["spec"]
    return pod


def settings(told: Rendered) -> Object:
    (found,) = told.of("ConfigMap")
    data: Object = found["data"]
    return data


def rules(told: Rendered, user: str = "sellers-alerts") -> list[Object]:
    found: list[Object] = told.named("KafkaUser", user)["spec"]["authorization"]["acls"]
    return found


def without(told: Rendered, kind: str, name: str) -> None:
    told.objects.remove(told.named(kind, name))


def may_also(told: Rendered, operation: str) -> None:
    rules(told)[0]["operations"].append(operation)


def egress(told: Rendered) -> list[Object]:
    found: list[Object] = told.named("NetworkPolicy", "sellers-to-the-log")["spec"]["egress"]
    return found


def routed(told: Rendered) -> list[Object]:
    found: list[Object] = told.named("HTTPRoute", "sellers")["spec"]["rules"]
    return found


DAMAGES: dict[str, tuple[Callable[..., None], Damage]] = {
    "a root that can be written": (
        pods.test_pods_are_restricted,
        lambda told: container(told)["securityContext"].update(readOnlyRootFilesystem=False),
    ),
    "a capability": (
        pods.test_pods_are_restricted,
        lambda told: container(told)["securityContext"]["capabilities"].update(add=["NET_ADMIN"]),
    ),
    "a token": (
        pods.test_pods_are_restricted,
        lambda told: pod(told).update(automountServiceAccountToken=True),
    ),
    "a folder of the host": (
        pods.test_pods_are_restricted,
        lambda told: pod(told)["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
    ),
    "a volume without end": (
        pods.test_whatever_is_written_is_bounded,
        lambda told: pod(told)["volumes"][0].update(emptyDir={}),
    ),
    "memory without a limit": (
        pods.test_pods_are_limited,
        lambda told: container(told)["resources"]["limits"].pop("memory"),
    ),
    "an image of any day": (
        pods.test_images_are_named_exactly,
        lambda told: container(told).update(image="sellers:latest"),
    ),
    "a liveness that asks others": (
        pods.test_what_lasts_is_probed,
        lambda told: container(told)["livenessProbe"]["httpGet"].update(path="/readyz"),
    ),
    "too little patience": (
        pods.test_what_lasts_ends_in_good_order,
        lambda told: pod(told).update(terminationGracePeriodSeconds=20),
    ),
    "no budget": (
        pods.test_what_lasts_has_a_budget_of_its_own,
        lambda told: without(told, "PodDisruptionBudget", "contacts-api"),
    ),
    "pods that are counted with others": (
        pods.test_what_lasts_is_spread,
        lambda told: pod(told)["topologySpreadConstraints"][0].update(labelSelector={}),
    ),
    "one of a kind": (
        pods.test_production_has_more_than_one_of_each,
        lambda told: told.named("Deployment", "platform")["spec"].update(replicas=1),
    ),
    "a scaler that may leave one": (
        pods.test_production_has_more_than_one_of_each,
        lambda told: told.named("ScaledObject", "contacts-projector")["spec"].update(
            minReplicaCount=1
        ),
    ),
    "a number beside a scaler": (
        pods.test_one_alone_says_how_many_there_are,
        lambda told: api(told)["spec"].update(replicas=2),
    ),
    "nobody who says how many": (
        pods.test_one_alone_says_how_many_there_are,
        lambda told: told.named("StatefulSet", "worker")["spec"].pop("replicas"),
    ),
    "a store that is drained": (
        pods.test_what_lasts_has_a_budget_of_its_own,
        lambda told: without(told, "PodDisruptionBudget", "sellers-mongodb"),
    ),
    "a server with capabilities": (
        pods.test_servers_are_restricted_too,
        lambda told: store(told)["initContainers"][0]["securityContext"].pop("capabilities"),
    ),
    "a server without a limit": (
        pods.test_servers_are_limited_and_spread_too,
        lambda told: store(told)["containers"][1]["resources"].pop("limits"),
    ),
    "an operator without a limit": (
        pods.test_servers_are_limited_and_spread_too,
        lambda told: told.named("Kafka", "sellers")["spec"]["entityOperator"][
            "userOperator"
        ].update(resources={"requests": {}, "limits": {}}),
    ),
    "servers in one zone": (
        pods.test_servers_are_limited_and_spread_too,
        lambda told: store(told).update(topologySpreadConstraints=[]),
    ),
    "nothing that scales": (
        pods.test_apis_scale_by_load_and_projectors_by_lag,
        lambda told: without(told, "ScaledObject", "contacts-projector"),
    ),
    "a command that is not there": (
        composition.test_every_command_exists,
        lambda told: container(told).update(command=["sellers", "serve"], args=[]),
    ),
    "a part that is forgotten": (
        composition.test_every_part_runs,
        lambda told: without(told, "Deployment", "alerts-projector"),
    ),
    "a setting that is misspelt": (
        composition.test_every_setting_is_real,
        lambda told: settings(told).update(SELLERS_KAFKAS="x:9092"),
    ),
    "a file that is not mounted": (
        composition.test_settings_say_where_files_are_mounted,
        lambda told: container(told)["volumeMounts"].pop(),
    ),
    "a password in an environment": (
        composition.test_secrets_are_only_referred_to,
        lambda told: container(told)["env"].append({"name": "SELLERS_KAFKA_SASL_PASSWORD"}),
    ),
    "a topic of other partitions": (
        composition.test_every_topic_is_declared_as_it_is,
        lambda told: told.named("KafkaTopic", "contacts")["spec"].update(partitions=8),
    ),
    "facts that expire": (
        composition.test_every_topic_is_declared_as_it_is,
        lambda told: told.named("KafkaTopic", "contacts")["spec"]["config"].update(
            {"retention.ms": 604_800_000}
        ),
    ),
    "an inbox that is kept": (
        composition.test_every_topic_is_declared_as_it_is,
        lambda told: told.named("KafkaTopic", "touches-inbox")["spec"]["config"].update(
            {"retention.ms": -1}
        ),
    ),
    "somebody who reads an inbox": (
        composition.test_nobody_may_more,
        lambda told: rules(told, "sellers-platform").append(
            {"resource": {"type": "topic", "name": "touches-inbox"}, "operations": ["Read"]}
        ),
    ),
    "a right to delete": (
        composition.test_nobody_may_more,
        lambda told: may_also(told, "Delete"),
    ),
    "the account of another": (
        composition.test_every_part_has_the_account_of_its_domain,
        lambda told: pod(told)["volumes"][2]["projected"]["sources"][1]["secret"].update(
            name="sellers-alerts-mongodb"
        ),
    ),
    "a way out": (
        edges.test_our_pods_talk_along_these_edges_only,
        lambda told: egress(told).append({"ports": [{"port": 443}]}),
    ),
    "an end that takes nothing": (
        edges.test_servers_let_in_who_may_reach_them,
        lambda told: without(told, "NetworkPolicy", "kafka"),
    ),
    "a path to somebody else": (
        edges.test_every_path_leads_to_who_serves_it,
        lambda told: routed(told)[0]["backendRefs"][0].update(name="alerts-api"),
    ),
    "metrics for everybody": (
        edges.test_nobody_outside_asks_for_metrics,
        lambda told: routed(told)[0]["matches"][0]["path"].update(value="/metrics"),
    ),
    "an alarm that is forgotten": (
        edges.test_prometheus_alarms_as_it_would_elsewhere,
        lambda told: told.named("PrometheusRule", "sellers")["spec"]["groups"][0]["rules"].pop(),
    ),
    "a process that nobody measures": (
        edges.test_prometheus_finds_every_process,
        lambda told: without(told, "Service", "worker"),
    ),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_it_is_found(prod: Rendered, what: str) -> None:
    policy, damage = DAMAGES[what]
    damaged = Rendered(prod.overlay, prod.text, copy.deepcopy(prod.objects))
    damage(damaged)
    more = (
        {"server": edges.KAFKA, "port": 9093}
        if policy is edges.test_servers_let_in_who_may_reach_them
        else {}
    )
    with pytest.raises((AssertionError, SystemExit, pytest.fail.Exception)):
        policy(damaged, **more)
