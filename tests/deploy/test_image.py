"""The image runs what the manifests say: every command, as nobody, on a file system only read.

`make test-image` builds it and runs this, on Apache Kafka and the embedded document store of this
machine. Not part of any other lane: it needs a Docker engine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx2 as httpx
import pytest

from sellers.engines import ApacheKafka, SecantusMongo
from sellers.processes import free_ports
from tests.conftest import running
from tests.deploy.conftest import Rendered

pytestmark = [pytest.mark.image, pytest.mark.timeout(1_800)]

IMAGE = os.environ.get("IMAGE", "sellers:dev")
# Twenty processes start at once, on whatever machine: they may take long, but not stand still.
READY_S, SOON_S = 240.0, 120.0
JOB = "Job/topics"


def docker(*words: str, check: bool = True) -> str:
    done = subprocess.run(
        ["docker", *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0 or not check, done.stderr
    return (done.stdout + done.stderr).strip()


@dataclass
class Running:
    """The platform as Kubernetes would run it: a container for each workload."""

    settings: dict[str, str]
    grace: dict[str, int]
    containers: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def start(self, name: str, words: list[str]) -> None:
        (port,) = free_ports(1)
        own = {"SELLERS_PORT": str(port), "SELLERS_INSTANCE": name.rpartition("/")[2]}
        told = [f"--env={key}={value}" for key, value in (self.settings | own).items()]
        self.ports[name] = port
        self.containers[name] = docker(
            "run",
            "--detach",
            "--network=host",
            "--read-only",
            "--cap-drop=ALL",
            "--security-opt=no-new-privileges",
            "--tmpfs=/data:uid=65532,size=64m",
            "--tmpfs=/tmp:uid=65532,size=64m",
            *told,
            IMAGE,
            *words,
        ).splitlines()[-1]

    def state(self, name: str, what: str) -> str:
        return docker("inspect", "--format", f"{{{{.State.{what}}}}}", self.containers[name])

    def logs(self, name: str) -> str:
        return docker("logs", "--tail", "30", self.containers[name], check=False)

    def get(self, name: str, path: str, **headers: str) -> httpx.Response:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        url = f"http://127.0.0.1:{self.ports[name]}{path}"
        return httpx.get(url, headers=named, timeout=20)

    def is_ready(self, name: str) -> bool:
        assert self.state(name, "Running") == "true", self.logs(name)
        try:
            return self.get(name, "/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def memory(self, name: str) -> int:
        """Return how many bytes of it are resident."""
        status = Path(f"/proc/{self.state(name, 'Pid')}/status").read_text()
        (line,) = (each for each in status.splitlines() if each.startswith("VmRSS"))
        return int(line.split()[1]) * 1024

    def stop(self, name: str) -> tuple[str, float]:
        """Stop it as a kubelet does; return its exit code and how long it took."""
        began = time.monotonic()
        docker("stop", "--time", str(self.grace.get(name, 45)), self.containers[name])
        return self.state(name, "ExitCode"), time.monotonic() - began


def until(holds: Callable[[], bool], within_s: float, what: Callable[[], str]) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, what()
        time.sleep(0.5)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, prod: Rendered) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("servers")
    commands = {
        name: [*container["command"], *container.get("args", ())]
        for name, _, container in prod.containers()
    }
    grace = {
        name: pod["terminationGracePeriodSeconds"]
        for name, pod, _ in prod.containers()
        if name != JOB
    }
    with (
        running(ApacheKafka(folder / "kafka")) as log,
        running(SecantusMongo(folder / "mongo")) as store,
    ):
        settings = {
            "SELLERS_KAFKA": log.address,
            "SELLERS_MONGO": store.address,
            "SELLERS_HOST": "127.0.0.1",
            "SELLERS_ACCESS": "open",
            "SELLERS_MASTER_KEY": b64encode(bytes(32)).decode(),
            "SELLERS_DATA_DIR": "/data",
            "SELLERS_LOG_LEVEL": "info",
        }
        started = Running(settings, grace)
        try:
            started.start(JOB, commands.pop(JOB))
            code = docker("wait", started.containers[JOB])
            assert code == "0", started.logs(JOB)
            for name, words in commands.items():
                started.start(name, words)
            yield started
        finally:
            for container in started.containers.values():
                docker("rm", "--force", container, check=False)


def lasting(platform: Running) -> list[str]:
    return [name for name in platform.containers if name != JOB]


def test_the_image_is_small_and_nobody_s() -> None:
    (told,) = json.loads(docker("image", "inspect", IMAGE))
    assert told["Config"]["User"] == "65532:65532"
    secrets = [e for e in told["Config"]["Env"] if "PASSWORD" in e or "TOKEN" in e]
    assert secrets == []
    assert told["Size"] < 350e6


def test_it_carries_neither_tests_nor_what_installs() -> None:
    script = (
        "import importlib.util as u, pathlib, shared;"
        "root = pathlib.Path(shared.__file__).parent.parent;"
        "print([m for m in ('pip', 'setuptools', 'pytest') if u.find_spec(m)],"
        " [str(p) for d in ('services', 'shared', 'sellers') for p in (root / d).rglob('tests')])"
    )
    assert docker("run", "--rm", "--network=none", IMAGE, "python", "-c", script) == "[] []"


def test_every_command_starts_and_is_ready(platform: Running) -> None:
    waiting = lasting(platform)

    def another_ready() -> bool:
        before = len(waiting)
        waiting[:] = [name for name in waiting if not platform.is_ready(name)]
        return len(waiting) < before

    while waiting:
        until(
            another_ready, READY_S, lambda: "\n".join(f"{n}: {platform.logs(n)}" for n in waiting)
        )


def test_a_touch_goes_all_the_way(platform: Running) -> None:
    who = f"p{uuid4().hex[:10]}"
    contacts = f"http://127.0.0.1:{platform.ports['Deployment/contacts-api']}"
    body = {"person": f"person-{who}", "channel": "call", "subject": "In a container"}
    sent = httpx.post(
        f"{contacts}/touches?source=test", json=body, headers={"idempotency-key": who}, timeout=20
    )
    assert sent.status_code == 202, sent.text
    stream = sent.json()["stream"]

    def folded() -> bool:
        trace = platform.get("Deployment/platform", f"/trace/{stream}")
        views = trace.json()["views"] if trace.status_code == 200 else []
        return bool(views) and all(view["folded_version"] for view in views)

    until(folded, SOON_S, lambda: platform.logs("Deployment/contacts-projector"))

    def counted() -> bool:
        rows = platform.get("Deployment/analytics-api", "/analytics/touches?by=day").text
        return '"touches":1' in rows

    until(counted, SOON_S, lambda: platform.logs("StatefulSet/worker"))


def test_it_fits_into_what_the_manifests_ask_for(
    platform: Running, prod: Rendered, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {
        name: int(container["resources"]["requests"]["memory"].removesuffix("Mi")) << 20
        for name, _, container in prod.containers()
    }
    used = {name: platform.memory(name) for name in lasting(platform)}
    with capsys.disabled():
        for name, size in used.items():
            sys.stdout.write(f"\n  {name:42} {size >> 20:4} MiB of {asked[name] >> 20}")
    # Half of it is left for load.
    assert {name for name, size in used.items() if size > 0.6 * asked[name]} == set()


def test_all_of_it_ends_in_good_order(platform: Running) -> None:
    names = lasting(platform)
    with ThreadPoolExecutor(len(names)) as stopping:
        ended = dict(zip(names, stopping.map(platform.stop, names), strict=True))
    assert {name: code for name, (code, _) in ended.items() if code != "0"} == {}
    slowest = max(seconds for _, seconds in ended.values())
    assert slowest < min(platform.grace.values()), ended
