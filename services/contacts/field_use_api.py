"""HTTP for the report of fields that hardly anybody fills in, or that nobody reads (C-07)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from services.contacts.field_use import field_use, seldom_filled
from services.contacts.readings import fields_read, reads_of
from services.contacts.reads import Contacts, all_of, defaults_of
from shared.web import AtLeast
from shared.web.router import Router

router = Router(tags=["contacts"])


@router.get("/contacts/field-use")
async def get_field_use(
    runtime: Contacts,
    at_least: AtLeast,
    below: Annotated[float | None, Query(gt=0, le=1.01)] = None,
) -> dict[str, Any]:
    """Fields that fewer facts fill in than that share, the emptiest first: leave them out.

    `reads` says of each list and page which fields nobody asked for by name (`?fields=`).
    """
    parts = await all_of(runtime.reader(field_use), {}, at_least)
    share = defaults_of(runtime).seldom_filled if below is None else below
    views = await all_of(runtime.reader(fields_read), {}, at_least)
    reads = reads_of(
        {view.reading: view for view in views},
        today=runtime.today,
        days=defaults_of(runtime).unread_days,
    )
    return {"below": share, "items": seldom_filled(parts, share), "reads": reads}
