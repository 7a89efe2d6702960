"""How one stream names another. Pure: whatever a reference may say is a stream that can be made."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

# The part of a stream's name after its kind; `@` parts stream and version in tokens.
ID = r"[A-Za-z0-9._~-]{1,100}"
STREAM = rf"[a-z]{{1,60}}-{ID}"

CompanyStream = Annotated[str, Field(pattern=rf"^company-{ID}$")]
EmployeeStream = Annotated[str, Field(pattern=rf"^employee-{ID}$")]
EntryStream = Annotated[str, Field(pattern=rf"^entry-{ID}$")]
IssueStream = Annotated[str, Field(pattern=rf"^issue-{ID}$")]
OpportunityStream = Annotated[str, Field(pattern=rf"^opportunity-{ID}$")]
PersonStream = Annotated[str, Field(pattern=rf"^person-{ID}$")]
ProductStream = Annotated[str, Field(pattern=rf"^product-{ID}$")]
SeriesStream = Annotated[str, Field(pattern=rf"^series-{ID}$")]
TouchStream = Annotated[str, Field(pattern=rf"^touch-{ID}$")]
UnitStream = Annotated[str, Field(pattern=rf"^unit-{ID}$")]

# Whose ids people copy, and as which no ordinary id begins: `win-back` and `key-accounts` are what
# somebody calls a campaign or a segment, although a win and a key are streams as well.
COPIED = ("person", "company", "employee", "opportunity")

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def other_kind(said: str, begins: tuple[str, ...]) -> str | None:
    """Return as whose id one begins where another is asked for, which `begins` otherwise."""
    kind, dash, _ = said.partition("-")
    return kind if dash and kind in COPIED and f"{kind}-" not in begins else None


def shortened(stream: str) -> str:
    """Return a stream as any address takes it: without its kind, unless that is another one."""
    kind, _, left = stream.partition("-")
    begins = (f"{kind}-",)
    return stream if left.startswith(begins) or other_kind(left, begins) else left


def is_safe(url: str) -> bool:
    """Say whether what comes from an address cannot be changed on the way: TLS, or no way at all.

    Whoever could change the keys of an issuer would sign in as everybody.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK))
