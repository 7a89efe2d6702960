"""Applies shared/events/topics.yaml to a log, before anything else of a deployment runs."""

from __future__ import annotations

import asyncio

from pydantic import ValidationError

from sellers.errors import CommandError
from shared.kafka import log_of
from shared.log import LogUnavailableError, TopicMismatchError
from shared.settings import Settings
from shared.topics import load_topics

WAIT_S = 10.0


def apply_topics() -> list[str]:
    """Create what is missing in the log of `SELLERS_KAFKA`; return the names.

    Raises:
        CommandError: no broker answers, or a topic that exists is not as declared: partitions are
            never added behind anybody's back, for then a stream would go on in another one.

    """
    try:
        settings = Settings()
        return asyncio.run(_apply(settings))
    except ValidationError as error:
        raise CommandError("; ".join(found["msg"] for found in error.errors())) from error
    except (LogUnavailableError, TopicMismatchError) as error:
        raise CommandError(str(error)) from error


async def _apply(settings: Settings) -> list[str]:
    log = await log_of(settings, wait_s=WAIT_S)
    try:
        return await log.create_topics(load_topics())
    finally:
        await log.close()
