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

LOOPBACK = ("127.0.0.1", "localhost", "::1")


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
