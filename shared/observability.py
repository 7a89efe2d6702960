"""Structured logs with correlation ids, and the names of every metric with what it counts."""

from __future__ import annotations

import logging
import sys
from typing import Any

import orjson
import structlog
from prometheus_client import Counter, Gauge, Histogram
from structlog.tracebacks import ExceptionDictTransformer

REQUEST_SECONDS = Histogram(
    "sellers_http_request_duration_seconds",
    "Time to answer an HTTP request",
    ("method", "route", "status"),
)
COMMANDS = Counter(
    "sellers_commands_total", "Commands by what became of them", ("domain", "outcome")
)
TOUCHES = Counter("sellers_touches_total", "Touches by what became of them", ("outcome",))
LAG_RECORDS = Gauge(
    "sellers_projection_lag_records", "Records written but not folded yet", ("collection",)
)
PARKED_FACTS = Gauge("sellers_parked_facts", "Facts set aside", ("collection",))
TIMER_OVERDUE = Gauge(
    "sellers_timer_overdue", "Deadlines that have passed and are not fired yet", ("timer",)
)
TIMER_LAG_SECONDS = Gauge(
    "sellers_timer_lag_seconds", "For how long the oldest of them has been waiting", ("timer",)
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


def _json(event: Any, **_: Any) -> str:
    return orjson.dumps(event, default=str).decode()


def configure_logs(level: str) -> None:
    """One JSON object a line on standard error, for our own logs and the libraries' alike."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
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
                structlog.processors.JSONRenderer(serializer=_json),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("aiokafka", "pymongo", "motor", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
