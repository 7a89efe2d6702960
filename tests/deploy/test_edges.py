"""Who may talk to whom, and which address leads where."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

import pytest
import yaml

from sellers.node import Node, create_app, sections
from sellers.parts import Part
from shared.settings import Settings
from tests.deploy.conftest import ROOT, Object, Rendered, called, labels_of, selects

pytestmark = pytest.mark.deploy

ALERTS = ROOT / "deploy" / "observability" / "alerts.yaml"
PROBES = {"/livez", "/readyz", "/metrics"}
KAFKA = {"strimzi.io/cluster": "sellers", "strimzi.io/kind": "Kafka"}
MONGODB = {"app": "sellers-mongodb-svc"}


def policies(rendered: Rendered, labels: dict[str, str], way: str) -> Iterator[Object]:
    """Yield what is allowed to pods with these labels, one way."""
    for policy in rendered.of("NetworkPolicy"):
        spec = policy["spec"]
        if way.title() in spec["policyTypes"] and selects(spec["podSelector"], labels):
            yield from spec.get(way, ())


def edges(rendered: Rendered, labels: dict[str, str], way: str) -> set[tuple[str, int]]:
    """Return what pods may reach, or who may reach them, and at which port."""
    found = set()
    for rule in policies(rendered, labels, way):
        for peer in rule.get("to" if way == "egress" else "from", [{}]):
            place = peer.get("namespaceSelector", {}).get("matchLabels", {})
            pods = peer.get("podSelector", {}).get("matchLabels", {})
            block = {"outside": peer["ipBlock"]["cidr"]} if "ipBlock" in peer else {}
            told = sorted({**place, **pods, **block}.items())
            who = ",".join(f"{k}={v}" for k, v in told) or "anywhere"
            found |= {(who, port["port"]) for port in rule["ports"]}
    return found


DNS = ("k8s-app=kube-dns,kubernetes.io/metadata.name=kube-system", 53)
TO_LOG = ("strimzi.io/cluster=sellers,strimzi.io/kind=Kafka", 9093)
TO_STORE = ("app=sellers-mongodb-svc", 27017)
INTERNET = ("outside=0.0.0.0/0", 443)
GATEWAY = ("sellers/serves=gateway", 8080)
MONITORING = ("sellers/serves=monitoring", 9090)
TRACING = ("sellers/serves=tracing", 4318)


def test_nothing_is_allowed_that_is_not_said(rendered: Rendered) -> None:
    (deny,) = (p for p in rendered.of("NetworkPolicy") if "unless" in p["metadata"]["name"])
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_our_pods_talk_along_these_edges_only(rendered: Rendered) -> None:
    for workload in rendered.workloads:
        labels, name = labels_of(workload), called(workload)
        component = labels["app.kubernetes.io/component"]
        with_data = {TO_STORE, TRACING} if component != "topics" else set()
        # Facts are delivered from where webhooks are folded.
        delivers = name == "Deployment/webhooks-projector"
        # Who answers asks an issuer for its keys.
        outside = {INTERNET} if delivers or component in {"api", "platform"} else set()
        assert edges(rendered, labels, "egress") == {DNS, TO_LOG} | with_data | outside, name
        from_gateway = {GATEWAY} if component in {"api", "platform"} else set()
        from_monitoring = {MONITORING} if component != "topics" else set()
        assert edges(rendered, labels, "ingress") == from_gateway | from_monitoring, name


@pytest.mark.parametrize(("server", "port"), [(KAFKA, 9093), (MONGODB, 27017)])
def test_servers_let_in_who_may_reach_them(
    rendered: Rendered, server: dict[str, str], port: int
) -> None:
    """An edge needs both ends: what one side may send, the other must take, and no more."""
    for workload in rendered.workloads:
        labels = labels_of(workload)
        sends = any(
            selects(peer["podSelector"], server)
            for rule in policies(rendered, labels, "egress")
            for peer in rule.get("to", ())
            if port in {each["port"] for each in rule["ports"]}
            and "podSelector" in peer
            and "namespaceSelector" not in peer
        )
        takes = any(
            selects(peer["podSelector"], labels)
            for rule in policies(rendered, server, "ingress")
            for peer in rule["from"]
            if "ports" in rule
            and port in {each["port"] for each in rule["ports"]}
            and "podSelector" in peer
        )
        assert sends == takes, called(workload)


def test_deliveries_reach_nothing_that_is_ours(rendered: Rendered) -> None:
    """The code refuses such addresses, too; a name that changes its mind meets this."""
    policy = rendered.named("NetworkPolicy", "webhooks-to-the-internet")
    ((peer,),) = (rule["to"] for rule in policy["spec"]["egress"])
    spared = [ip_network(block) for block in peer["ipBlock"]["except"]]
    for inside in ("10.1.2.3", "172.20.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"):
        assert any(ip_address(inside) in block for block in spared), inside


def routes(rendered: Rendered) -> dict[str, str]:
    """Return which Service each prefix leads to, by a Gateway or by an Ingress."""
    found = {
        match["path"]["value"]: rule["backendRefs"][0]["name"]
        for route in rendered.of("HTTPRoute")
        for rule in route["spec"]["rules"]
        for match in rule["matches"]
    }
    for ingress in rendered.of("Ingress"):
        for rule in ingress["spec"]["rules"]:
            paths = rule["http"]["paths"]
            found |= {path["path"]: path["backend"]["service"]["name"] for path in paths}
    return found


def served_by(part: Part) -> set[str]:
    """Return the paths of a part; the platform describes more than it serves."""
    app = create_app(Node(Settings(), part=part))
    return set(type(app).openapi(app)["paths"]) - PROBES


def test_every_path_leads_to_who_serves_it(rendered: Rendered) -> None:
    table = routes(rendered)
    assert set(table.values()) <= {each["metadata"]["name"] for each in rendered.of("Service")}
    parts = {f"{name}-api": Part("api", name) for name in sections()}
    parts["platform"] = Part("platform")
    for service, part in parts.items():
        for path in served_by(part):
            assert table.get("/" + path.split("/")[1]) == service, path
    # People read there what all of them answer, and whether all is well.
    assert {table[path] for path in ("/docs", "/openapi.json", "/readyz")} == {"platform"}


def test_nobody_outside_asks_for_metrics(rendered: Rendered) -> None:
    assert not {"/livez", "/metrics"} & routes(rendered).keys()
    assert "/" not in routes(rendered)


def test_routes_lead_to_ports_that_are_served(rendered: Rendered) -> None:
    for service in rendered.of("Service"):
        assert [(p["name"], p["targetPort"]) for p in service["spec"]["ports"]] == [
            ("http", "http"),
            ("metrics", "metrics"),
        ], called(service)


def test_prometheus_alarms_as_it_would_elsewhere(prod: Rendered) -> None:
    """Kustomize reads nothing outside its folders: the rules are there once more (make alerts)."""
    (rules,) = prod.of("PrometheusRule")
    assert rules["spec"] == yaml.safe_load(ALERTS.read_text(encoding="utf-8"))


def test_prometheus_finds_every_process(prod: Rendered) -> None:
    (monitor,) = prod.of("ServiceMonitor")
    found = [
        s
        for s in prod.of("Service")
        if selects(monitor["spec"]["selector"], s["metadata"]["labels"])
    ]
    measured = {
        called(w)
        for service in found
        for w in prod.lasting
        if selects({"matchLabels": service["spec"]["selector"]}, labels_of(w))
    }
    assert measured == {called(w) for w in prod.lasting}
    (endpoint,) = monitor["spec"]["endpoints"]
    for service in found:
        assert endpoint["port"] in {p["name"] for p in service["spec"]["ports"]}, called(service)
