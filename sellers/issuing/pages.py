"""The two pages of the development issuer. Plain HTML: no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from fastapi.responses import HTMLResponse

from sellers.issuing.signing import User
from shared.web.sheltered import page_policy

HEADERS = {
    # Where its form leads is for the client to say that asked: browsers follow the policy through
    # the redirect, so none is named here.
    "Content-Security-Policy": page_policy(),
    "Cache-Control": "no-store",
}
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}"
    "button{display:block;width:100%;margin:.4rem 0;padding:.6rem;font:inherit;text-align:left}"
    "textarea{width:100%;height:12rem;font:13px monospace}"
)


def page(title: str, body: str) -> HTMLResponse:
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style><h1>{escape(title)}</h1>{body}</html>",
        headers=HEADERS,
    )


def choice(users: Sequence[User], asked: Mapping[str, str]) -> HTMLResponse:
    """Ask as whom to sign in; what a client asked for goes with the answer."""
    kept = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in asked.items()
    )
    buttons = "".join(
        f'<button name="user" value="{escape(user.subject)}">{escape(user.name)}: '
        f"{escape(', '.join(user.roles))} ({escape(user.subject)})</button>"
        for user in users
    )
    return page(
        "Sign in to Sellers on this machine",
        "<p>These are people of the company that is loaded here. Nobody has a password: this is "
        "the development issuer, which serves this machine alone.</p>"
        f'<form method="post">{kept}{buttons}</form>',
    )


def shown(user: User, token: str) -> HTMLResponse:
    """Show a token to whoever asked for no other program."""
    return page(
        f"You are {user.name}",
        "<p>Send this as <code>Authorization: Bearer ...</code>, or paste it behind "
        "<em>Authorize</em> in <a href='/docs'>the description of the API</a>.</p>"
        f"<textarea readonly>{escape(token)}</textarea>",
    )
