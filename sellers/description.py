"""The page that describes the API. Rule: all of it comes from here, nothing from the internet."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

PAGE, FILES = "/docs", "/docs/files"
# A package that carries the files of Swagger UI; whatever else it does is not wanted.
SWAGGER_UI = ("fastapi_offline", "static")


def describe(app: FastAPI) -> None:
    """Serve the page, with its files beside it."""
    app.mount(FILES, StaticFiles(packages=[SWAGGER_UI]))

    @app.get(PAGE, include_in_schema=False)
    async def page() -> HTMLResponse:
        # Relative, so that it is found behind a proxy that adds a path.
        files = FILES.removeprefix("/")
        return get_swagger_ui_html(
            openapi_url="openapi.json",
            title=app.title,
            swagger_js_url=f"{files}/swagger-ui-bundle.js",
            swagger_css_url=f"{files}/swagger-ui.css",
            swagger_favicon_url=f"{files}/favicon.png",
        )
