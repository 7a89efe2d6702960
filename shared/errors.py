"""Expected refusals and outages. Anything else that escapes a service is a bug and answers 500."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from pydantic import ValidationError


class SellersError(Exception):
    """The root of everything this project raises on purpose."""


class DomainError(SellersError):
    """A rule said no. `slug` names it for ever in the problem's `type` (RFC 9457)."""

    status: ClassVar[int] = 409
    slug: ClassVar[str] = "refused"
    title: ClassVar[str] = "The rule does not allow this"

    def __init__(self, detail: str = "", *, field: str | None = None) -> None:
        super().__init__(detail or self.title)
        self.field = field

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "slug" not in cls.__dict__:
            name = cls.__name__.removesuffix("Error")
            cls.slug = "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")
        if "title" not in cls.__dict__:
            cls.title = cls.slug.replace("-", " ").capitalize()


class NotFoundError(DomainError):
    """Nothing of that name is known here."""

    status = 404


class InvalidError(DomainError):
    """The request is well-formed JSON but says something that cannot be."""

    status = 422


class VersionConflictError(DomainError):
    """Someone else recorded a fact on this stream since the caller looked (RFC 9110, If-Match)."""

    status = 412


class CommandReusedError(DomainError):
    """The same Idempotency-Key came with another request."""

    status = 422


class TooLargeError(DomainError):
    """The fact would not fit into one record of the log."""

    status = 413


class UnavailableError(SellersError):
    """Not now: the log, the store or a projection is not there yet. Safe to try again."""

    def __init__(self, detail: str, *, slug: str = "unavailable", retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.slug = slug
        self.retry_after_s = retry_after_s


def pointer(base: str, steps: Sequence[Any]) -> str:
    """Go on from a JSON pointer (RFC 6901, 3), whatever characters the names have."""
    told = [str(step).replace("~", "~0").replace("/", "~1") for step in steps]
    return "/".join([base, *told]).encode(errors="backslashreplace").decode()


def causes(error: ValidationError) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what does not fit a schema: each place, and why in the words of whoever checked it."""
    for found in error.errors(include_url=False, include_input=False):
        yield tuple(map(str, found["loc"])), in_words(found["msg"])


def in_words(message: str) -> str:
    """Return the words of whoever checked a value, without what pydantic sets before them."""
    return message.removeprefix("Value error, ")
