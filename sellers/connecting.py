"""Where a command reads and speaks: the platform it was told of, as whom, and the two consoles."""

from __future__ import annotations

import os

import typer
from rich.text import Text

from sellers.client import Api
from sellers.console import console
from sellers.data_dir import DEFAULT, DataDirError, read_remembered
from sellers.issuing.kept import kept_token

URL = "http://127.0.0.1:8080"
TOKEN = "SELLERS_TOKEN"  # noqa: S105 - the name of it

out, err = console(), console(stderr=True)


def default_url() -> str:
    """Return where the `up` of this folder serves, or where it would."""
    try:
        return read_remembered(DEFAULT).url or URL
    except DataDirError:
        return URL


def default_token(url: str) -> str | None:
    """Return what proves who asks: told, kept by `login`, or of the `up` of this folder."""
    told = os.environ.get(TOKEN) or kept_token(url)
    if told is not None:
        return told
    try:
        remembered = read_remembered(DEFAULT)
        if not remembered.signs_in:
            return None  # Nor are keys loaded, which takes as long as most commands.
        from sellers.issuing.tokens import token_here  # noqa: PLC0415

        return token_here(DEFAULT, remembered, url)
    except DataDirError:
        return None


def connect(context: typer.Context, *, patience_s: float = 0.0) -> Api:
    url = context.find_root().obj or default_url()
    told = lambda reason: err.print(Text(f"waiting: {reason}"))  # noqa: E731
    api = Api(url, patience_s=patience_s, waiting=told, token=default_token(url))
    return context.with_resource(api)
