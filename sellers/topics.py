"""Applies shared/events/topics.yaml to a log, before anything else of a deployment runs."""

from __future__ import annotations

import asyncio
import os

from sellers.data_dir import DEFAULT, DataDirError, read_remembered
from sellers.errors import CommandError
from sellers.processes import HOST
from shared.kafka import log_of
from shared.log import LogUnavailableError, TopicMismatchError
from shared.settings import Settings, SettingsError, load
from shared.topics import load_topics

WAIT_S = 10.0
WHICH = "SELLERS_KAFKA"


def settings_of(url: str | None) -> Settings:
    """Return how to reach the log: as the environment says, else that of the `up` of this folder.

    Raises:
        CommandError: a setting cannot be, or only a platform elsewhere was named, by its `url`.

    """
    try:
        if WHICH in os.environ:
            return load()
        here = read_remembered(DEFAULT)
        if url is not None and url.rstrip("/") != here.url:
            raise CommandError(f"which log {url} writes to is not known here: say {WHICH}")
        if here.log_port is None:
            return load()
        engine = "kafka" if here.engine == "kafka" else "embedded"
        return load(kafka=f"{HOST}:{here.log_port}", engine=engine)
    except (SettingsError, DataDirError) as error:
        raise CommandError(str(error)) from error


def apply_topics(settings: Settings) -> list[str]:
    """Create what is missing in the log; return the names.

    Raises:
        CommandError: no broker answers, or a topic that exists is not as declared: partitions are
            never added behind anybody's back, for then a stream would go on in another one.

    """
    try:
        return asyncio.run(_apply(settings))
    except LogUnavailableError as error:
        raise CommandError(f"{error} ({WHICH} says where the log is)") from error
    except (TopicMismatchError, SettingsError) as error:
        raise CommandError(str(error)) from error


async def _apply(settings: Settings) -> list[str]:
    log = await log_of(settings, wait_s=WAIT_S)
    try:
        return await log.create_topics(load_topics())
    finally:
        await log.close()
