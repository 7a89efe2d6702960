"""Secrets come as files, as a volume lays them; a file nobody would read is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.settings import SECRETS_DIR, SettingsError, load


@pytest.fixture
def laid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as Kubernetes lays it: links to files in a folder that is swapped as a whole."""
    monkeypatch.setenv(SECRETS_DIR, str(tmp_path))
    (tmp_path / "..first").mkdir()
    (tmp_path / "..data").symlink_to("..first")
    return tmp_path


def lay(folder: Path, name: str, text: str) -> None:
    (folder / "..first" / name).write_text(text)
    (folder / name).symlink_to(Path("..data") / name)


def test_settings_are_read_from_files(laid: Path) -> None:
    lay(laid, "sellers_kafka_sasl_password", "s3cret\n")
    lay(laid, "sellers_mongo", "mongodb://me:there@mongo/")
    settings = load()
    assert settings.kafka_sasl_password.get_secret_value() == "s3cret"
    assert settings.mongo == "mongodb://me:there@mongo/"


def test_the_environment_has_the_last_word(laid: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(laid, "sellers_mongo", "mongodb://file/")
    monkeypatch.setenv("SELLERS_MONGO", "mongodb://environment/")
    assert load().mongo == "mongodb://environment/"


def test_a_misspelt_file_is_refused_with_the_names_that_exist(laid: Path) -> None:
    lay(laid, "sellers_kafka_password", "s3cret")
    with pytest.raises(
        SettingsError, match=r"unknown: sellers_kafka_password; known: .*sasl"
    ) as why:
        load()
    assert "s3cret" not in str(why.value)


def test_a_folder_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRETS_DIR, "/nowhere/at/all")
    with pytest.raises(SettingsError, match=r"SELLERS_SECRETS_DIR: .*No such file"):
        load()
