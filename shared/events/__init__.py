"""The published language: every fact any service may record or read.

Listing a domain here is the only registration step; a test fails if a module is missing.
"""

from shared.events import (
    alerts,
    analytics,
    calendar,
    campaigns,
    contacts,
    issues,
    opportunities,
    organization,
    touches,
    webhooks,
)
from shared.events.base import (
    CONTENT_TYPE,
    REGISTRY,
    UPCASTERS,
    Dated,
    Envelope,
    Event,
    Position,
    UndecodableError,
    decode,
    encode,
    timestamp,
    upcast,
)

__all__ = [
    "CONTENT_TYPE",
    "REGISTRY",
    "UPCASTERS",
    "Dated",
    "Envelope",
    "Event",
    "Position",
    "UndecodableError",
    "alerts",
    "analytics",
    "calendar",
    "campaigns",
    "contacts",
    "decode",
    "encode",
    "issues",
    "opportunities",
    "organization",
    "timestamp",
    "touches",
    "upcast",
    "webhooks",
]
