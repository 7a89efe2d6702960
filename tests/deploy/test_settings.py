"""Every process starts with the settings that it is given, read as it reads them itself."""

from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path

import pytest

from sellers.node import _somebody_decided
from shared.master import master_keys
from shared.settings import SECRETS_DIR, load
from tests.deploy.conftest import Object, Rendered

pytestmark = pytest.mark.deploy

# What the operators and people put into the Secrets, by the setting that it is.
SECRETS = {
    "sellers_kafka_sasl_password": "not-a-secret",
    "sellers_mongo": "mongodb://sellers:not-a-secret@sellers-mongodb-svc/?tls=true",
    "sellers_master_key": b64encode(bytes(32)).decode(),
    "sellers_webhook_keys": "not-a-secret-but-as-long-as-one-is",
}


def environment(rendered: Rendered, container: Object) -> dict[str, str]:
    (settings,) = rendered.of("ConfigMap")
    named = {each["name"]: each.get("value", "a-pod") for each in container["env"]}
    return settings["data"] | named


def lay_secrets(pod: Object, folder: Path) -> None:
    """Write the files that the pod mounts, each under the name that it has there."""
    folder.mkdir()
    (laid,) = (each for each in pod["volumes"] if each["name"] == "secrets")
    for source in laid["projected"]["sources"]:
        for item in source["secret"]["items"]:
            (folder / item["path"]).write_text(SECRETS[item["path"]])


def test_every_process_starts_with_its_settings(
    rendered: Rendered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("SELLERS_")]:
        monkeypatch.delenv(name)
    authority = tmp_path / "ca.crt"
    authority.touch()
    for number, (name, pod, container) in enumerate(rendered.containers()):
        secrets = tmp_path / str(number)
        lay_secrets(pod, secrets)
        elsewhere = {SECRETS_DIR: str(secrets), "SELLERS_KAFKA_CA_FILE": str(authority)}
        with monkeypatch.context() as patch:
            for setting, value in (environment(rendered, container) | elsewhere).items():
                patch.setenv(setting, value)
            settings = load()
        assert not settings.embedded, name
        ports = {each["name"]: each["containerPort"] for each in container.get("ports", ())}
        if ports:
            served = {"http": settings.port, "metrics": settings.metrics_port}
            assert ports == served, name
        if container["command"][-1] != "sellers.node":
            continue  # Neither the worker nor the topics' job answers people or seals words.
        # A node that nobody decided this for, or that has nothing to seal with, does not start.
        _somebody_decided(settings)
        assert master_keys(settings), name
        assert settings.signs_in is (rendered.overlay == "prod"), name
