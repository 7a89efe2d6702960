"""Structured logs with correlation ids, and the names of every metric with what it counts."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from platform import python_version
from typing import Any

import orjson
import structlog
from prometheus_client import Counter, Gauge, Histogram, start_http_server
from structlog.tracebacks import ExceptionDictTransformer

from shared.clock import SystemClock
from shared.redaction import redaction
from shared.settings import Settings

log = structlog.get_logger()

REQUEST_SECONDS = Histogram(
    "sellers_http_request_duration_seconds",
    "Time to answer an HTTP request; of a stream of events, until it begins",
    ("method", "route", "status"),
)
EVENT_STREAMS = Gauge(
    "sellers_event_streams", "Clients that follow a published view right now", ("view",)
)
EVENT_STREAMS_ENDED = Counter(
    "sellers_event_streams_ended_total",
    "Clients that were let go of before their time: too slow, or the topic changed",
    ("view",),
)
COMMANDS = Counter(
    "sellers_commands_total", "Commands by what became of them", ("domain", "outcome")
)
TOUCHES = Counter("sellers_touches_total", "Touches by what became of them", ("outcome",))
PRODUCED = Counter(
    "sellers_records_produced_total",
    "Records given to the log, by whether it acknowledged them",
    ("topic", "outcome"),
)
PRODUCE_SECONDS = Histogram(
    "sellers_produce_duration_seconds", "Time until the log acknowledged a record", ("topic",)
)
BATCH_SECONDS = Histogram(
    "sellers_projection_batch_duration_seconds",
    "Time to fold one batch, transaction included",
    ("domain", "collection"),
)
BATCH_TRIES = Counter(
    "sellers_projection_batch_retries_total",
    "Batches that were taken again",
    ("domain", "collection"),
)
FOLDED = Counter(
    "sellers_projection_records_total",
    "Records of committed batches, by what became of them",
    ("domain", "collection", "outcome"),
)
FACT_TO_VIEW_SECONDS = Histogram(
    "sellers_fact_to_view_seconds",
    "Age of the first fact of each batch when its views were committed; replays left out",
    ("domain", "collection"),
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)
LAG_RECORDS = Gauge(
    "sellers_projection_lag_records",
    "Records written but not folded yet",
    ("domain", "collection"),
)
LAG_SECONDS = Gauge(
    "sellers_projection_lag_seconds",
    "For how long the oldest record that is not folded yet has been seen in the log",
    ("domain", "collection"),
)
PARKED_FACTS = Gauge("sellers_parked_facts", "Facts set aside", ("domain", "collection"))
PARKED_STREAMS = Gauge(
    "sellers_parked_streams", "Streams whose facts are set aside", ("domain", "collection")
)
TIMER_OVERDUE = Gauge(
    "sellers_timer_overdue", "Deadlines that have passed and are not fired yet", ("timer",)
)
TIMER_LAG_SECONDS = Gauge(
    "sellers_timer_lag_seconds", "How long ago the oldest unfired deadline passed", ("timer",)
)
DELIVERIES = Counter(
    "sellers_webhook_deliveries_total",
    "Attempts to deliver a fact, by what came of it",
    ("outcome",),
)
WEBHOOK_BEHIND = Gauge(
    "sellers_webhook_behind_records", "Records written but not delivered yet", ("webhook",)
)
OUTBOX_PENDING = Gauge(
    "sellers_outbox_pending", "Transactions not wholly acknowledged by the log", ("domain",)
)
OUTBOX_AGE_SECONDS = Gauge(
    "sellers_outbox_oldest_age_seconds",
    "How long ago the oldest unacknowledged transaction was committed",
    ("domain",),
)
PUBLISHER_HELD = Gauge(
    "sellers_publisher_held_facts", "Facts in memory on their way to the log", ("domain",)
)
VIEWS_WAITING = Gauge(
    "sellers_published_view_changes", "Changes of a published view not in its topic yet", ("view",)
)
VIEWS_TOO_LARGE = Gauge(
    "sellers_published_views_too_large", "Documents that their topic cannot take", ("view",)
)
INBOX_READ_RECORDS = Gauge(
    "sellers_inbox_read_records",
    "Records of an inbox that were read and are not deleted from it yet",
    ("topic",),
)
INBOX_NOT_THERE = Counter(
    "sellers_inbox_records_not_there_total",
    "Records that had left an inbox before the cursor reached them",
    ("topic",),
)
TASKS_DOWN = Gauge(
    "sellers_tasks_down", "Background tasks that fail, as /readyz names them", ("domain",)
)
WORKER_PENDING = Gauge(
    "sellers_worker_pending_records",
    "Records that Faust handed over and nobody has folded yet",
    ("collection",),
)
WORKER_PARTITIONS = Gauge(
    "sellers_worker_partitions", "Partitions that this worker has", ("collection",)
)
WORKER_LAG_RECORDS = Gauge(
    "sellers_worker_lag_records",
    "Records of this worker's partitions that are not folded yet",
    ("collection",),
)
WORKER_LAG_SECONDS = Gauge(
    "sellers_worker_lag_seconds",
    "For how long the oldest of this worker's unfolded records has been seen in the log",
    ("collection",),
)
OF_WORKERS = (WORKER_PENDING, WORKER_PARTITIONS, WORKER_LAG_RECORDS, WORKER_LAG_SECONDS)
BUILD = Gauge("sellers_build_info", "What runs here; always 1", ("version", "python"))
BUILD.labels(version("sellers"), python_version()).set(1)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def method_label(method: str) -> str:
    """Return a method as a label: there are as many methods as anybody makes up."""
    return method if method in METHODS else "other"


@contextmanager
def serving_metrics(settings: Settings) -> Iterator[None]:
    """Answer Prometheus on a port of its own, from a thread: also while the loop does not turn."""
    if settings.metrics_port is None:
        yield
        return
    try:
        server, thread = start_http_server(settings.metrics_port, settings.host)
    except OSError as error:
        # Who cannot be measured works all the same; that nothing is scraped alarms by itself.
        log.error("metrics_not_served", port=settings.metrics_port, reason=str(error))  # noqa: TRY400
        yield
        return
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def debugging() -> bool:
    """Whether lines are written of what goes well, too, which costs time to put together."""
    return logging.getLogger().isEnabledFor(logging.DEBUG)


def in_json(event: Any) -> str:
    """Return a line of the log, whatever is told in it."""
    try:
        return orjson.dumps(event, default=str).decode()
    except orjson.JSONEncodeError:  # Half a surrogate pair, or a number beyond 64 bits.
        return json.dumps(event, default=str)


def configure_logs(level: str, secrets: Iterable[str] = ()) -> None:
    """One JSON object a line on standard error, for our own logs and the libraries' alike.

    None of them says one of the `secrets`, or what looks like one. Each has a `correlation_id`: of
    the request or the fact that it is about, or else one that all lines of this process share.
    """
    redacted = redaction(secrets)
    run = f"run-{SystemClock().new_id()}"

    def line(event: Any, **_: Any) -> str:
        return redacted(in_json(event))

    def correlated(_: Any, __: str, event: Any) -> Any:
        if not event.get("correlation_id"):
            event["correlation_id"] = next(iter(event.get("correlation_ids", ())), run)
        return event

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        correlated,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Where it failed, not with what: variables hold what nobody but its owner may read.
        structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=line),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("aiokafka", "httpx2", "pymongo", "motor", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
