"""Answers with the fields that are asked for, and no others; which ones is recorded (C-07)."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import TypeAdapter

from services.contacts.readings import READABLE, ReadFields
from services.contacts.reads import Contacts
from shared.errors import InvalidError
from shared.exports import note_names
from shared.runtime import Runtime
from shared.service import Request as CommandRequest


class Asked:
    """The fields that the request names; none named means all of them."""

    def __init__(self, runtime: Runtime, named: str | None) -> None:
        self._runtime = runtime
        self._named = named

    async def of(self, shape: type[Any], values: list[Any]) -> list[Any]:
        """Return what was asked for of each of these, all of that shape; record that it was read.

        Raises:
            InvalidError: naming a field that there is not.

        """
        if self._named is None:
            return values
        names = tuple(dict.fromkeys(name.strip() for name in self._named.split(",")))
        there = {one.name for one in fields(shape)}
        for name in names:
            if name not in there:
                known = ", ".join(sorted(there))
                raise InvalidError(f"{name!r} is none of {known}", field="query/fields")
        note_names(names)
        command = ReadFields(fields=names)
        await self._runtime.service.handle(
            CommandRequest(stream=READABLE[shape], command=command, actor="anonymous")
        )
        shown = TypeAdapter(list[shape]).dump_python(values, mode="json")  # type: ignore[valid-type]
        return [{name: one[name] for name in names} for one in shown]


async def _asked(
    runtime: Contacts,
    named: Annotated[
        str | None,
        Query(alias="fields", max_length=1_000, description="only these: name,email"),
    ] = None,
) -> Asked:
    return Asked(runtime, named)


FieldsAsked = Annotated[Asked, Depends(_asked)]
