"""The page that describes the API. Rule: all of it comes from here, nothing from the internet."""

from __future__ import annotations

import base64
import re
from hashlib import sha256

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from shared.web.sheltered import page_policy

PAGE, FILES = "/docs", "/docs/files"
# A package that carries the files of Swagger UI; whatever else it does is not wanted.
SWAGGER_UI = ("fastapi_offline", "static")
_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def describe(app: FastAPI) -> None:
    """Serve the page, with its files beside it."""
    app.mount(FILES, StaticFiles(packages=[SWAGGER_UI]))

    @app.get(PAGE, include_in_schema=False)
    async def page() -> HTMLResponse:
        # Relative, so that it is found behind a proxy that adds a path.
        files = FILES.removeprefix("/")
        answer = get_swagger_ui_html(
            openapi_url="openapi.json",
            title=app.title,
            swagger_js_url=f"{files}/swagger-ui-bundle.js",
            swagger_css_url=f"{files}/swagger-ui.css",
            swagger_favicon_url=f"{files}/favicon.png",
        )
        answer.headers["Content-Security-Policy"] = _policy(bytes(answer.body))
        return answer


def _policy(page: bytes) -> str:
    """Let run what the page says itself, by its hash, and its files; let ask this address alone."""
    hashes = [base64.b64encode(sha256(told).digest()).decode() for told in _SCRIPT.findall(page)]
    return page_policy(
        " ".join(("script-src 'self'", *(f"'sha256-{one}'" for one in hashes))),
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        styles="'self' 'unsafe-inline'",
    )
