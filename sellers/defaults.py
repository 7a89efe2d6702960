"""Writes deploy/defaults.toml: everything a company may choose, with the values it has unasked."""

from __future__ import annotations

from pathlib import Path

from sellers.catalogue import write
from sellers.node import sections
from shared.defaults import document

FILE = Path(__file__).parent.parent / "deploy" / "defaults.toml"
HEAD = """\
# The rules and numbers a company may choose. Copy this file, change what differs, and name the
# copy in SELLERS_DEFAULTS_FILE; what it leaves out keeps the value given here. Written from the
# code by `make defaults`.

"""


def text() -> str:
    return HEAD + document(sections())


def main() -> None:
    """Write the file, where it is not yet the same."""
    write(FILE, text())


if __name__ == "__main__":
    main()
