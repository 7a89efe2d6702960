"""Where a command reads and speaks: the platform it was told of, and the two consoles."""

from __future__ import annotations

import typer
from rich.text import Text

from sellers.client import Api
from sellers.console import console
from sellers.data_dir import DEFAULT, DataDirError, read_remembered

URL = "http://127.0.0.1:8080"

out, err = console(), console(stderr=True)


def default_url() -> str:
    """Return where the `up` of this folder serves, or where it would."""
    try:
        return read_remembered(DEFAULT).url or URL
    except DataDirError:
        return URL


def connect(context: typer.Context, *, patience_s: float = 0.0) -> Api:
    url = context.find_root().obj or default_url()
    told = lambda reason: err.print(Text(f"waiting: {reason}"))  # noqa: E731
    return context.with_resource(Api(url, patience_s=patience_s, waiting=told))
