"""Answers a document as JSON, as Markdown or as an HTML page."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

from fastapi import Response
from fastapi.responses import HTMLResponse

from shared.documents import Document, html, markdown
from shared.web.sheltered import page_policy

Form = Literal["json", "markdown", "html"]
D = TypeVar("D")
# What a route says of its answer that comes in any of these forms.
FORMS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/json": {"schema": {}},
            "text/markdown": {"schema": {"type": "string"}},
            "text/html": {"schema": {"type": "string"}},
        }
    }
}


def formed(made: D, document: Document, form: Form, response: Response) -> D | Response:
    """Return what was made, as it is or as the document that says it."""
    if form == "json":
        return made
    headers = dict(response.headers)
    if form == "markdown":
        return Response(markdown(document), headers=headers, media_type="text/markdown")
    # Nothing on the page runs or is fetched, whatever people wrote.
    headers["Content-Security-Policy"] = page_policy("form-action 'none'")
    return HTMLResponse(html(document), headers=headers)
