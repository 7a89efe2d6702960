"""Where the code meets traces. Off, all of it is one comparison a request and one a batch.

`shared/otel.py` does the work, and is imported only where somebody asks for it: `start` looks for
an OTLP endpoint in the environment, under the names that OpenTelemetry gave them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from shared.clock import Clock
from shared.errors import SellersError
from shared.events import Envelope, UndecodableError
from shared.log import Log, Record

if TYPE_CHECKING:
    from shared.otel import Processing, Tracing

TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL = "http/protobuf"

_active: Tracing | None = None
_OFF: AbstractContextManager[None] = nullcontext()


class TracesRefusedError(SellersError):
    """The environment asks for traces in a way that this release cannot send them."""


def active() -> Tracing | None:
    return _active


def wanted() -> bool:
    """Whether the environment names somebody to send traces to."""
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not off and any(os.environ.get(name) for name in ENDPOINTS)


def start(service: str) -> None:
    """Send traces from here on, if the environment says where to.

    Raises:
        TracesRefusedError: it asks for another protocol than the one that is built in.

    """
    if not wanted():
        return
    said = next((os.environ[name] for name in PROTOCOLS if os.environ.get(name)), PROTOCOL)
    if said != PROTOCOL:
        raise TracesRefusedError(f"OTEL_EXPORTER_OTLP_PROTOCOL: {said!r}; there is {PROTOCOL} only")
    from shared.otel import exporting  # noqa: PLC0415 - it costs memory and time where it is off

    _use(exporting(service))


def stop() -> None:
    """Send what is left; a collector that does not answer keeps nobody waiting for long."""
    if _active is not None:
        _active.close()
        _use(None)


@contextmanager
def tracing_with(tracing: Tracing) -> Iterator[None]:
    """Trace within this block: for tests."""
    before = _active
    _use(tracing)
    try:
        yield
    finally:
        _use(before)


def _use(tracing: Tracing | None) -> None:
    global _active  # noqa: PLW0603 - one process has one collector, as it has one log of its own
    _active = tracing


def carried(given: str | None) -> str | None:
    """Return the `traceparent` of the facts that a request makes: its own, or what it was given.

    W3C Trace Context: one that is no traceparent is ignored, never refused.
    """
    if _active is not None:
        return _active.current()
    return given if given is not None and TRACEPARENT.fullmatch(given) else None


def traced(log: Log) -> Log:
    """Return the log itself, or where traces are on, one whose appends are told of."""
    return log if _active is None else _active.around(log)


def processing(
    collection: str, read: Sequence[tuple[Record, Envelope | UndecodableError]], clock: Clock
) -> AbstractContextManager[Processing | None]:
    """Tell, while it lasts, of the facts of one batch whose traces somebody looks at."""
    return _OFF if _active is None else _active.processing(collection, read, clock.now())
