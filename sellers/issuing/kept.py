"""The tokens that `sellers login` keeps, by the address of their platform."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import typer

from shared.clock import SystemClock

FOLDER_ONLY, OWNER_ONLY = 0o700, 0o600
SOON_S = 30


def _file() -> Path:
    return Path(typer.get_app_dir("sellers")) / "tokens.json"


def _held() -> dict[str, dict[str, object]]:
    try:
        found = orjson.loads(_file().read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def kept_token(url: str) -> str | None:
    """Return the token for a platform, unless it has expired."""
    held = _held().get(url.rstrip("/"))
    if not isinstance(held, dict):
        return None
    token, until = held.get("token"), held.get("until")
    if not isinstance(token, str) or not isinstance(until, int | float):
        return None
    return token if until - SOON_S > SystemClock().now().timestamp() else None


def keep_token(url: str, token: str, seconds: float) -> None:
    """Keep a token until it expires; whoever signed in before at this address is forgotten."""
    path, now = _file(), SystemClock().now().timestamp()
    path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_ONLY)
    held = {**_held(), url.rstrip("/"): {"token": token, "until": now + seconds}}
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(handle, "wb") as file:
        file.write(orjson.dumps(held))
    partial.replace(path)


def forget_token(url: str) -> bool:
    """Forget the token for a platform; say whether there was one."""
    held = _held()
    if held.pop(url.rstrip("/"), None) is None:
        return False
    _file().write_bytes(orjson.dumps(held))
    return True
