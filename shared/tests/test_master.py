"""The master key comes from where it is told, and a wrong one is refused without being told."""

from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from shared.cipher import MASTER_KEY_FILE
from shared.master import master_keys
from shared.settings import Settings, SettingsError

KEY, OTHER = os.urandom(32), os.urandom(32)


def text(key: bytes) -> str:
    return b64encode(key).decode()


def settings(**told: Any) -> Settings:
    return Settings(engine=told.pop("engine", "kafka"), **told)


def test_it_is_told_or_in_a_file_and_the_one_before_it_still_unwraps(tmp_path: Path) -> None:
    assert master_keys(settings(master_key=text(KEY))) == [KEY]
    file = tmp_path / "key"
    file.write_text(f"{text(KEY)}\n")
    told = settings(master_key_file=file, previous_master_key=text(OTHER))
    assert master_keys(told) == [KEY, OTHER]


def test_one_machine_makes_its_own_once_for_its_owners_eyes(tmp_path: Path) -> None:
    here = settings(engine="embedded", data_dir=tmp_path / "data")
    (made,) = master_keys(here)
    assert master_keys(here) == [made]
    assert len(made) == 32
    file = tmp_path / "data" / MASTER_KEY_FILE
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ({}, "SELLERS_MASTER_KEY: needed"),
        ({"master_key": "c2hvcnQ="}, "SELLERS_MASTER_KEY: not 32 bytes"),
        ({"master_key": "no base64 at all!"}, "SELLERS_MASTER_KEY: not 32 bytes"),
        ({"master_key": text(KEY), "previous_master_key": "x"}, "SELLERS_PREVIOUS_MASTER_KEY"),
        ({"master_key": text(KEY), "master_key_file": Path("key")}, "give one of them"),
        ({"master_key_file": Path("there/is/none")}, "there/is/none: cannot be read"),
    ],
)
def test_what_is_no_key_is_named_and_never_shown(told: dict[str, Any], names: str) -> None:
    with pytest.raises(SettingsError) as refused:
        master_keys(settings(**told))
    assert names in str(refused.value)
    assert text(KEY) not in str(refused.value)
    assert text(KEY) not in repr(settings(**told))
