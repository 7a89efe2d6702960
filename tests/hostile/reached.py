"""Which operations an attack really reached: behind the gate, and past what is refused unread.

An operation that only ever answered 401, 404 or 415 was attacked at its door alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import httpx2

# What is answered before an operation looks at anything.
AT_THE_DOOR = frozenset({401, 403, 404, 405, 406, 415, 429})
KNOCK_S = 30.0
JSON = "application/json"
_PARAMETER = re.compile(r"\{([^}]+)\}")
# Of these the company that is attacked has none, and what was made up is refused alike.
_NONE = "there is none to ask for"
EXCEPTIONS: Mapping[str, str] = dict.fromkeys(
    (
        "GET /alerts/history/{stream}",
        "GET /alerts/{alert}",
        "GET /analytics/history/{stream}",
        "GET /campaigns/history/{stream}",
        "GET /contacts/segments/{segment}/people",
        "GET /organization/keys/{key}",
        "GET /webhooks/history/{stream}",
        "GET /webhooks/{webhook}",
        "GET /webhooks/{webhook}/progress",
        "POST /organization/keys/{key}/revoke",
        "POST /webhooks/{webhook}/disable",
        "POST /webhooks/{webhook}/enable",
        "POST /webhooks/{webhook}/remove",
    ),
    _NONE,
) | {"GET /analytics/views/{name}/proof": "it is of views of figures, and asked for another"}
# A view that is published, and of which kind the streams are whose history a domain has.
VIEW = "opportunity_card"
KINDS = {
    "calendar": "entry",
    "contacts": "person",
    "issues": "issue",
    "opportunities": "opportunity",
}


def operations(description: Mapping[str, Any]) -> Iterator[str]:
    """Yield every operation of an OpenAPI document, as `POST /touches`.

    One that reads bodies of several types is as many: `POST /touches, application/json`.
    """
    for path, told in description["paths"].items():
        for method, operation in told.items():
            label, types = f"{method.upper()} {path}", media_types(operation)
            yield from (f"{label}, {one}" for one in types) if len(types) > 1 else (label,)


def media_types(operation: Mapping[str, Any]) -> list[str]:
    """Return of which types the body may be that an operation reads."""
    return list(operation.get("requestBody", {}).get("content", ()))


def noted(operation: str, status: int, media: str | None = None) -> str:
    """Return the lines that say how an operation answered; `unreached` reads them."""
    alone = f"{operation}\t{status}\n"
    return alone if media is None else f"{operation}, {media}\t{status}\n{alone}"


def unreached(description: Mapping[str, Any], lines: Iterable[str]) -> dict[str, list[int]]:
    """Return the operations that were not reached, each with what it answered instead."""
    answered: dict[str, set[int]] = defaultdict(set)
    for line in lines:
        operation, _, status = line.rstrip("\n").rpartition("\t")
        answered[operation].add(int(status))
    return {
        one: sorted(answered[one])
        for one in operations(description)
        if one not in EXCEPTIONS and not answered[one] - AT_THE_DOOR
    }


def knock(
    address: str, token: str, description: Mapping[str, Any], ids: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Ask each operation once, of what exists and with an empty body; yield how it answered.

    An attack is cut off by its budget: this says that what it did not come to is there. Bodies of
    each type are tried that it reads.
    """
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=address, headers=headers, timeout=KNOCK_S) as client:
        for operation in operations(description):
            label, _, media = operation.partition(", ")
            method, _, path = label.partition(" ")
            media = media or next(
                iter(media_types(description["paths"][path][method.lower()])), JSON
            )
            content = b"{}" if method in {"POST", "PUT", "PATCH"} else None
            # What never ends is left as soon as it begins.
            with client.stream(
                method, _known(path, ids), content=content, headers={"Content-Type": media}
            ) as answer:
                yield noted(label, answer.status_code, media)


def _known(path: str, ids: Mapping[str, Sequence[str]]) -> str:
    """Return the path with ids that exist, as far as there are such."""
    kind = KINDS.get(path.split("/")[1])
    more = {"name": VIEW} | ({"stream": f"{kind}-{ids[kind][0]}"} if kind and kind in ids else {})
    return _PARAMETER.sub(lambda one: more.get(one[1]) or ids.get(one[1], ["1"])[0], path)
