"""What every pod of ours must be: restricted, probed, limited, budgeted, spread, patient."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.deploy.conftest import Object, Rendered, called, labels_of, selects

pytestmark = pytest.mark.deploy

# What shared/kafka and shared/mongo may need to let go of their connections, over and above.
CLOSE_S = 15
GRACEFUL_S = 3
STORE_NAME = "sellers-mongodb"
STORE = {"app": f"{STORE_NAME}-svc"}
DRAIN_S = 5


def complaints(told: dict[str, bool]) -> list[str]:
    return sorted(name for name, holds in told.items() if not holds)


def test_pods_are_restricted(rendered: Rendered) -> None:
    (namespace,) = rendered.of("Namespace")
    for mode in ("enforce", "audit", "warn"):
        assert namespace["metadata"]["labels"][f"pod-security.kubernetes.io/{mode}"] == "restricted"
    for name, pod, container in rendered.containers():
        of_pod, own = pod["securityContext"], container["securityContext"]
        told = {
            "runs as somebody": of_pod["runAsNonRoot"] is True and of_pod["runAsUser"] > 0,
            "seccomp": of_pod["seccompProfile"] == {"type": "RuntimeDefault"},
            "no escalation": own["allowPrivilegeEscalation"] is False,
            "no capabilities": own["capabilities"] == {"drop": ["ALL"]},
            "read-only root": own["readOnlyRootFilesystem"] is True,
            "no token": pod["automountServiceAccountToken"] is False,
            "no links": pod["enableServiceLinks"] is False,
            "nothing of the host": not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(),
            "volumes": all(
                {"emptyDir", "secret", "configMap", "projected"} & volume.keys()
                for volume in pod["volumes"]
            ),
        }
        assert complaints(told) == [], name


def test_whatever_is_written_is_bounded(rendered: Rendered) -> None:
    for name, pod, container in rendered.containers():
        empty = {v["name"]: v["emptyDir"] for v in pod["volumes"] if "emptyDir" in v}
        assert all("sizeLimit" in volume for volume in empty.values()), name
        for mount in container["volumeMounts"]:
            assert mount["name"] in empty or mount["readOnly"] is True, name


def test_pods_are_limited(rendered: Rendered) -> None:
    for name, _, container in rendered.containers():
        resources = container["resources"]
        assert {"cpu", "memory"} <= resources["requests"].keys() & resources["limits"].keys(), name
        # Memory that was not asked for is taken away at the worst moment.
        assert resources["requests"]["memory"] == resources["limits"]["memory"], name


def test_images_are_named_exactly(rendered: Rendered) -> None:
    for name, _, container in rendered.containers():
        image = container["image"]
        assert re.search(r"(:[^/:]+|@sha256:[0-9a-f]{64})$", image), name
        assert not image.endswith(":latest"), name


def test_what_lasts_is_probed(rendered: Rendered) -> None:
    for workload in rendered.lasting:
        name = called(workload)
        (container,) = workload["spec"]["template"]["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        assert ports == {"http": 8080, "metrics": 9090}, name
        paths = {
            kind: container[f"{kind}Probe"]["httpGet"]["path"]
            for kind in ("startup", "liveness", "readiness")
        }
        # Liveness asks nobody else: an outage elsewhere must not restart us.
        assert paths == {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}, name
        startup = container["startupProbe"]
        assert startup["periodSeconds"] * startup["failureThreshold"] >= 60, name


def test_what_lasts_ends_in_good_order(rendered: Rendered) -> None:
    for workload in rendered.lasting:
        pod = workload["spec"]["template"]["spec"]
        pause = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        needed = pause + GRACEFUL_S + DRAIN_S + CLOSE_S
        assert pod["terminationGracePeriodSeconds"] > needed, called(workload)


def test_what_lasts_has_a_budget_of_its_own(rendered: Rendered) -> None:
    budgets = rendered.of("PodDisruptionBudget")
    for workload in rendered.lasting:
        mine = [b for b in budgets if selects(b["spec"]["selector"], labels_of(workload))]
        assert len(mine) == 1, called(workload)
        assert mine[0]["spec"]["maxUnavailable"] == 1
        assert mine[0]["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    # Strimzi budgets its brokers itself; the store's operator leaves it to us.
    of_store = [b for b in budgets if selects(b["spec"]["selector"], STORE)]
    assert [b["spec"]["maxUnavailable"] for b in of_store] == [1]
    assert len(budgets) == len(rendered.lasting) + 1


def test_what_lasts_is_spread(rendered: Rendered) -> None:
    for workload in rendered.lasting:
        spread = workload["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert {each["topologyKey"] for each in spread} == {
            "topology.kubernetes.io/zone",
            "kubernetes.io/hostname",
        }
        for each in spread:
            others = [
                called(w)
                for w in rendered.workloads
                if selects(each["labelSelector"], labels_of(w))
            ]
            assert others == [called(workload)]


def fewest(rendered: Rendered, workload: Object) -> int:
    """Return how many there are at least: as its scaler says, or else it says itself."""
    own: int | None = workload["spec"].get("replicas")
    spec = [each["spec"] for each in scaled(rendered).get(workload["metadata"]["name"], ())]
    told: list[int] = [one.get("minReplicas", one.get("minReplicaCount")) for one in spec]
    return min(told) if told else own or 1


def test_production_has_more_than_one_of_each(prod: Rendered) -> None:
    assert {called(w) for w in prod.lasting if fewest(prod, w) < 2} == set()


def test_one_alone_says_how_many_there_are(rendered: Rendered) -> None:
    """A number beside a scaler takes members away at each release, or is refused as a conflict."""
    targets = scaled(rendered).keys()
    for workload in rendered.lasting:
        is_scaled = workload["metadata"]["name"] in targets
        assert is_scaled != ("replicas" in workload["spec"]), called(workload)


def server_pods(rendered: Rendered) -> dict[str, Object]:
    """Return the pods that operators make by what we say of them, but for the entity operators.

    What those may, the operator is told by a setting of its own (docs/operations/install.md).
    """
    (pool,) = rendered.of("KafkaNodePool")
    template, store = pool["spec"]["template"], rendered.named("MongoDBCommunity", STORE_NAME)
    broker = template["kafkaContainer"] | {"name": "kafka", "resources": pool["spec"]["resources"]}
    pods: dict[str, Object] = {
        called(pool): template["pod"] | {"containers": [broker]},
        called(store): store["spec"]["statefulSet"]["spec"]["template"]["spec"],
    }
    return pods


def test_servers_are_restricted_too(rendered: Rendered) -> None:
    for name, pod in server_pods(rendered).items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False, (name, container["name"])
            assert own.get("capabilities") == {"drop": ["ALL"]}, (name, container["name"])


def test_servers_are_limited_and_spread_too(rendered: Rendered) -> None:
    pods = server_pods(rendered)
    limited = {name: pod["containers"] for name, pod in pods.items()}
    operators = rendered.named("Kafka", "sellers")["spec"]["entityOperator"]
    limited["entityOperator"] = list(operators.values())
    for name, containers in limited.items():
        for each in (container["resources"] for container in containers):
            asked, most = each.get("requests", {}), each.get("limits", {})
            assert {"cpu", "memory"} == asked.keys() == most.keys(), name
            assert asked["memory"] == most["memory"], name
    for name, pod in pods.items():
        zones = {spread["topologyKey"] for spread in pod["topologySpreadConstraints"]}
        assert "topology.kubernetes.io/zone" in zones, name


def scaled(rendered: Rendered) -> dict[str, list[Object]]:
    by_target: dict[str, list[Object]] = {}
    for each in rendered.of("HorizontalPodAutoscaler", "ScaledObject"):
        target: dict[str, Any] = each["spec"]["scaleTargetRef"]
        by_target.setdefault(target["name"], []).append(each)
    return by_target


def test_apis_scale_by_load_and_projectors_by_lag(prod: Rendered) -> None:
    targets = scaled(prod)
    assert {name for name, who in targets.items() if len(who) > 1} == set()
    deployments = {w["metadata"]["name"] for w in prod.of("Deployment")}
    assert targets.keys() <= deployments
    for name in deployments - {"platform"}:
        kind = "ScaledObject" if name.endswith("-projector") else "HorizontalPodAutoscaler"
        assert [each["kind"] for each in targets.get(name, ())] == [kind], name
    # Members of Faust's group have names and shares that stay.
    assert "worker" not in targets


def test_a_selector_matches_its_own_pods_only(rendered: Rendered) -> None:
    for workload in rendered.lasting:
        selector = workload["spec"]["selector"]
        mine = [called(w) for w in rendered.workloads if selects(selector, labels_of(w))]
        assert mine == [called(workload)]
    for service in rendered.of("Service"):
        selector = {"matchLabels": service["spec"]["selector"]}
        assert len([w for w in rendered.workloads if selects(selector, labels_of(w))]) == 1
