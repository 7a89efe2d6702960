"""The commands about who one is, and about which systems are let in."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.text import Text

from sellers.connecting import connect, default_url, err, out
from sellers.data_dir import DEFAULT
from sellers.errors import OneLineErrors
from sellers.issuing import PATH
from sellers.issuing.kept import forget_token, keep_token
from sellers.tables import columns

keys = typer.Typer(help="Keys that let systems in.", cls=OneLineErrors)
PATIENCE_S = 30.0

KeyId = Annotated[str, typer.Argument(metavar="KEY", help="Its id, as mailer: it is never reused.")]


@keys.command("create")
def create(
    context: typer.Context,
    key: KeyId,
    role: Annotated[list[str], typer.Option(help="marketing, analytics or administrator.")],
    name: Annotated[str | None, typer.Option(help="Which system it is.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="For this permission alone.")] = None,
    requests_max: Annotated[int | None, typer.Option(help="Requests in a minute.")] = None,
    expires_on: Annotated[str | None, typer.Option(help="Its last day, as 2026-12-31.")] = None,
) -> None:
    """Issue a key to a system, and print it: it is told this once."""
    body = {
        "name": name or key,
        "roles": role,
        "only": only or None,
        "requests_max": requests_max,
        "expires_on": expires_on,
    }
    told = {name: value for name, value in body.items() if value is not None}
    api = connect(context)
    issued = api.post(f"/organization/keys/{key}/issue", told)
    # Whoever is given it may use it in the next moment: until it is folded it lets nobody in.
    api.get(f"/organization/keys/{key}", headers={"x-at-least": issued["token"]})
    typer.echo(issued["key"])
    err.print(Text(f"{key} is kept nowhere here: give it to the system now."))


@keys.command("list")
def list_(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="A list of objects instead.")] = False,  # noqa: FBT002
) -> None:
    """List every key that was ever issued."""
    api, rows, cursor = connect(context), [], None
    while True:
        page = api.get("/organization/keys", {"limit": 200, "cursor": cursor})
        rows += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    table = columns(("key", "name", "roles", "only", "until", "issued by", "state"), ())
    for row in rows:
        expired = "expired" if row["expired"] else "counts"
        state = "revoked" if row["revoked"] else expired
        told = (
            row["key"].removeprefix("key-"),
            row["name"],
            ", ".join(row["roles"]),
            ", ".join(row["only"] or ()) or "all",
            row["expires_on"] or "",
            row["issued_by"],
            state,
        )
        table.add_row(*(Text(str(cell or "")) for cell in told))
    out.print(table)


@keys.command("revoke")
def revoke(
    context: typer.Context,
    key: KeyId,
    reason: Annotated[str | None, typer.Option(help="Why; it stays written down.")] = None,
) -> None:
    """Let a key count no more."""
    connect(context).post(f"/organization/keys/{key}/revoke", {"reason": reason})
    out.print(Text(f"{key} counts no more"))


def login(
    context: typer.Context,
    issuer: Annotated[
        str | None,
        typer.Option(
            envvar="SELLERS_OIDC_ISSUER",
            help="Who signs people in.",
            show_default="the development issuer of the platform",
        ),
    ] = None,
    client: Annotated[str, typer.Option(help="What the issuer calls this program.")] = "sellers",
) -> None:
    """Sign in in the browser; the commands that follow are yours, until the token expires."""
    from sellers.signing_in import sign_in  # noqa: PLC0415 - no other command signs in

    url = context.find_root().obj or default_url()
    tell = lambda where: err.print(Text(f"sign in at {where}"), soft_wrap=True)  # noqa: E731
    token, seconds = sign_in(issuer or f"{url.rstrip('/')}{PATH}", client, tell)
    keep_token(url, token, seconds)
    whoami(context)


def logout(context: typer.Context) -> None:
    """Forget who signed in at this platform."""
    url = context.find_root().obj or default_url()
    out.print("forgotten" if forget_token(url) else "nobody was signed in")


def token(
    context: typer.Context,
    role: Annotated[str | None, typer.Option("--as", help="A sample user of this role.")] = None,
    employee: Annotated[str | None, typer.Option(help="A colleague, as employee-7.")] = None,
) -> None:
    """Print a token of the development issuer, to send as `Authorization: Bearer ...`."""
    from sellers.issuing.tokens import token_of  # noqa: PLC0415 - keys take long to load

    typer.echo(token_of(connect(context), DEFAULT, role, employee))


def whoami(context: typer.Context) -> None:
    """Say who one is to the platform, and how far one reaches in what."""
    typer.echo(json.dumps(connect(context).get("/whoami"), indent=2, ensure_ascii=False))
