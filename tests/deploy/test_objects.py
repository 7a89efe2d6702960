"""Every object is one that Kubernetes, or the operator whose it is, would take."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.deploy.conftest import Object, Rendered, called, missing, tool
from tests.deploy.shapes import SHAPES, differences

pytestmark = pytest.mark.deploy

KUBERNETES = "1.34"


def test_kubernetes_knows_every_field(rendered: Rendered, tmp_path: Path) -> None:
    validate = tool("kubernetes-validate")
    if validate is None:
        missing("kubernetes-validate")
    file = tmp_path / "all.yaml"
    file.write_text(rendered.text)
    done = subprocess.run(
        [validate, "-k", KUBERNETES, "--strict", str(file)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = (done.stdout + done.stderr).splitlines()
    assert done.returncode == 0, [line for line in said if not line.startswith("INFO")]
    passed = [line for line in said if " passed for resource " in line]
    own = [each for each in rendered.objects if not each["apiVersion"].startswith(FOREIGN)]
    assert len(passed) == len(own)


FOREIGN = tuple({version.partition("/")[0] for version, _ in SHAPES})


def test_operators_know_every_field(rendered: Rendered) -> None:
    found = [each for each in rendered.objects if each["apiVersion"].startswith(FOREIGN)]
    assert found
    told = {called(each): differences(each) for each in found}
    assert {name: why for name, why in told.items() if why} == {}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"spec": {"partitions": 4, "replicas": "three"}}, "replicas"),
        ({"spec": {"partition": 4}}, "partition"),
        ({"apiVersion": "kafka.strimzi.io/v1beta2"}, "v1beta2"),
    ],
)
def test_a_field_that_an_operator_does_not_know_is_found(
    prod: Rendered, change: Object, why: str
) -> None:
    wrong = prod.of("KafkaTopic")[0] | change
    assert any(why in line for line in differences(wrong))


def test_names_are_given_once(rendered: Rendered) -> None:
    names = [called(each) for each in rendered.objects]
    assert sorted(set(names)) == sorted(names)


def test_all_is_in_one_namespace(rendered: Rendered) -> None:
    own = [each for each in rendered.objects if each["kind"] != "Namespace"]
    assert {each["metadata"]["namespace"] for each in own} == {"sellers"}
