"""deploy/compose.yaml: commands exist, settings are real, processes are as closed as the pods."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib.util import find_spec
from typing import Any

import pytest
import yaml

from sellers.node import sections
from sellers.parts import WHOLE, part_of
from shared.settings import known_names
from tests.containers import KAFKA_IMAGE, MONGO_IMAGE
from tests.deploy.conftest import ROOT

pytestmark = pytest.mark.deploy

FILE = ROOT / "deploy" / "compose.yaml"


class Strict(yaml.SafeLoader):
    """Refuses what is said twice, as Compose does; YAML in Python takes the last of them."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        said = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        assert len(said) == len(set(said)), f"said twice: {sorted(said)}"
        return super().construct_mapping(node, deep)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    text = FILE.read_text(encoding="utf-8")
    told: dict[str, Any] = yaml.load(text, Loader=Strict)["services"]  # noqa: S506 - it is safe
    return told


def ours(services: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in services.items() if each["image"] == "sellers:dev"}


def test_what_is_said_twice_is_found() -> None:
    with pytest.raises(AssertionError, match="said twice"):
        yaml.load("a: {b: 1, b: 2}", Loader=Strict)  # noqa: S506 - it is safe


def test_every_command_exists(services: dict[str, Any]) -> None:
    commands = {name: each["command"] for name, each in ours(services).items()}
    assert commands.pop("topics") == ["sellers", "topics", "--apply"]
    assert commands["node"][:3] == ["python", "-m", "sellers.node"]
    assert part_of(commands.pop("node")[3:], sections()) == WHOLE
    (worker,) = commands.values()
    assert worker[:2] == ["python", "-m"]
    assert find_spec(worker[2])


def test_every_setting_is_real(services: dict[str, Any]) -> None:
    for name, each in ours(services).items():
        assert each["environment"].keys() <= known_names(), name
        assert each["environment"]["SELLERS_KAFKA"] == "kafka:9092"


def test_processes_are_closed(services: dict[str, Any]) -> None:
    for name, each in ours(services).items():
        assert each["read_only"] is True, name
        assert each["cap_drop"] == ["ALL"], name
        assert each["security_opt"] == ["no-new-privileges:true"], name
    # Whoever is beside this machine reaches none of it.
    ports = [port for each in services.values() for port in each.get("ports", ())]
    assert ports == ["127.0.0.1:8080:8080"]


def test_engines_are_those_that_tests_run_on(services: dict[str, Any]) -> None:
    assert services["kafka"]["image"] == KAFKA_IMAGE
    assert services["mongo"]["image"] == MONGO_IMAGE


def test_whoever_is_waited_for_is_there(services: dict[str, Any]) -> None:
    for name, each in services.items():
        for other, how in each.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[other], (name, other)
            else:
                assert services[other]["restart"] == "no", (name, other)


def test_volumes_are_declared(services: dict[str, Any]) -> None:
    declared = yaml.safe_load(FILE.read_text(encoding="utf-8"))["volumes"]
    used = {
        volume.split(":")[0] for each in services.values() for volume in each.get("volumes", ())
    }
    assert used == declared.keys()


def test_docker_takes_it() -> None:
    """Where Docker's own Compose is installed; elsewhere the other tests have to do."""
    if shutil.which("docker") is None:
        pytest.skip("no docker here")
    done = subprocess.run(
        ["docker", "compose", "-f", str(FILE), "config", "--format", "json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if re.search("not a docker command|unknown command|unknown shorthand", done.stderr):
        pytest.skip("no docker compose here")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["services"].keys() >= {"kafka", "mongo", "node", "worker"}
