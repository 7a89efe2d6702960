"""The manifests as Kustomize renders them: what would be applied, not what is written."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
K8S = ROOT / "deploy" / "k8s"
TOOLS = ROOT / ".cache" / "deploy" / "bin"
OVERLAYS = ("dev", "prod")

Object = dict[str, Any]


def tool(name: str) -> str | None:
    """Return where a program is: what `make test-deploy` has installed, else the machine's."""
    return shutil.which(name, path=f"{TOOLS}{os.pathsep}{os.environ['PATH']}")


def missing(what: str) -> None:
    """Skip where somebody works; fail in CI, where nothing may go unchecked."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is not installed, and CI must not skip what needs it")
    pytest.skip(f"{what} is not installed: make test-deploy")


def render(folder: Path) -> str:
    if (kustomize := tool("kustomize")) is not None:
        command = [kustomize, "build", str(folder)]
    elif (kubectl := tool("kubectl")) is not None:
        command = [kubectl, "kustomize", str(folder)]
    else:
        missing("neither kustomize nor kubectl")
        raise AssertionError
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    # Warnings are of what a later release refuses.
    assert "deprecated" not in done.stderr, done.stderr
    return done.stdout


@dataclass(frozen=True)
class Rendered:
    """All objects of one overlay."""

    overlay: str
    text: str
    objects: list[Object]

    def of(self, *kinds: str) -> list[Object]:
        return [each for each in self.objects if each["kind"] in kinds]

    def named(self, kind: str, name: str) -> Object:
        (found,) = (each for each in self.of(kind) if each["metadata"]["name"] == name)
        return found

    @property
    def workloads(self) -> list[Object]:
        return self.of("Deployment", "StatefulSet", "Job")

    @property
    def lasting(self) -> list[Object]:
        """What runs until it is told to stop."""
        return self.of("Deployment", "StatefulSet")

    def containers(self) -> Iterator[tuple[str, Object, Object]]:
        """Yield the name of each workload, its pod and each of its containers."""
        for workload in self.workloads:
            pod = workload["spec"]["template"]["spec"]
            for container in (*pod.get("initContainers", ()), *pod["containers"]):
                yield called(workload), pod, container


def called(told: Object) -> str:
    return f"{told['kind']}/{told['metadata']['name']}"


def labels_of(workload: Object) -> dict[str, str]:
    labels: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return labels


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a label selector selects, as Kubernetes would."""
    wanted = selector.get("matchLabels", {}).items()
    among = all(
        labels.get(each["key"]) in each["values"]
        for each in selector.get("matchExpressions", ())
        if each["operator"] == "In"
    )
    return among and all(labels.get(key) == value for key, value in wanted)


@pytest.fixture(scope="session", params=OVERLAYS)
def rendered(request: pytest.FixtureRequest) -> Rendered:
    text = render(K8S / "overlays" / request.param)
    return Rendered(request.param, text, list(yaml.safe_load_all(text)))


@pytest.fixture(scope="session")
def prod() -> Rendered:
    text = render(K8S / "overlays" / "prod")
    return Rendered("prod", text, list(yaml.safe_load_all(text)))
