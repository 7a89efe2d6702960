"""The command line. Everything but `up` talks HTTP, so it works from any machine.

Rule: an error is one line on standard error and a non-zero exit code, never a traceback.
"""

from __future__ import annotations

import json
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from sellers import forgetting, keys, parking, reporting, watching
from sellers.connecting import connect, err, out
from sellers.console import waiting
from sellers.data_dir import DEFAULT, EngineChoice
from sellers.demo.size import SIZE_MAX
from sellers.errors import INTERRUPTED, OneLineErrors
from sellers.tables import columns
from shared.events.calendar import Category

if TYPE_CHECKING:
    from sellers.client import Api
    from sellers.importing import Summary

DIFFERS = NOTHING_TAKEN = 1
# As long as a server takes that is started again.
PATIENCE_S, IMPORT_PATIENCE_S = 30.0, 120.0

app = typer.Typer(
    name="sellers",
    cls=OneLineErrors,
    help="Sales execution and key accounts as facts: every touch an event, every view a fold.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
imports = typer.Typer(help="Bring in what another system holds.", cls=OneLineErrors)
parked = typer.Typer(help="Facts that could not be folded, set aside.", cls=OneLineErrors)
private = typer.Typer(help="What only you can read in your calendar.", cls=OneLineErrors)
app.add_typer(imports, name="import")
app.add_typer(parked, name="parked")
app.add_typer(private, name="private")
app.add_typer(reporting.report, name="report")
app.add_typer(keys.keys, name="keys")
for command in (keys.login, keys.logout, keys.token, keys.whoami):
    app.command()(command)


def show_version(wanted: bool) -> None:
    if wanted:
        out.print(f"sellers {installed_version('sellers')}")
        raise typer.Exit


def header(value: str | None) -> str | None:
    """Refuse what cannot be the value of a header; ids travel in one."""
    if value is not None and not (value.isascii() and value.isprintable() and value):
        raise typer.BadParameter("printable ASCII characters, please: it travels in a header")
    return value


def view_name(value: str) -> str:
    """Refuse what cannot be the name of a view; it travels in an address."""
    if not value.isidentifier():
        raise typer.BadParameter(f"{value!r} is no name of a view, as person_card is one")
    return value


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    url: Annotated[
        str | None,
        typer.Option(
            envvar="SELLERS_URL",
            help="Where the platform serves.",
            show_default="where `sellers up` serves from ./.data, else http://127.0.0.1:8080",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    context.obj = url
    if context.invoked_subcommand is None:
        out.print(context.get_help(), markup=False)


@app.command()
def up(
    data_dir: Annotated[Path, typer.Option(help="Where data and logs are kept.")] = DEFAULT,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65_535,
            help="The port of the API; 0: the last one, or any.",
            show_default="that of the last time, else 8080",
        ),
    ] = None,
    demo: Annotated[
        bool | None,
        typer.Option(
            "--demo/--no-demo",
            help="Load the demo company, once.",
            show_default="yes, unless the directory was begun with --no-demo",
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=1, max=SIZE_MAX, help="How many sellers the demo company has.", show_default="40"
        ),
    ] = None,
    engine: Annotated[
        EngineChoice | None,
        typer.Option(
            help="Which log: the embedded server, or Apache Kafka (Java 17 and Maven).",
            show_default="embedded",
        ),
    ] = None,
    kafka_port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="The log's port.", show_default="free")
    ] = None,
    mongo_port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="The store's port.", show_default="free")
    ] = None,
    sign_in: Annotated[
        bool | None,
        typer.Option(
            "--sign-in/--no-sign-in",
            help="Ask everybody who they are: people sign in, systems show keys.",
            show_default="as the last time, else no",
        ),
    ] = None,
) -> None:
    """Run the whole platform on this machine until Ctrl-C."""
    from sellers.up import Options  # noqa: PLC0415 - other commands need no servers
    from sellers.up import up as run  # noqa: PLC0415

    options = Options(data_dir, port, kafka_port, mongo_port, engine, demo, size, sign_in)
    raise typer.Exit(run(options))


def _mapping(of: str) -> Any:
    return typer.Option(
        exists=True,
        dir_okay=False,
        help="A file that says what each column means.",
        show_default=f"that of the {of}",
    )


Directory = Annotated[Path, typer.Argument(exists=True, file_okay=False, metavar="DIR")]
Source = Annotated[
    str | None, typer.Option(help="The other system's name.", show_default="that of the mapping")
]
ReportPath = Annotated[
    Path | None,
    typer.Option(
        "--report",
        dir_okay=False,
        help="Where every rejected or repaired row is told, as CSV.",
        show_default="import-report-SOURCE-TIME.csv here",
    ),
]
Wait = Annotated[
    bool,
    typer.Option("--wait/--no-wait", help="Stay until every view and figure has all of it."),
]
OutcomeAsJson = Annotated[bool, typer.Option("--json", help="The outcome as an object.")]


@imports.command("crm")
def import_crm_command(
    context: typer.Context,
    directory: Directory,
    mapping: Annotated[Path | None, _mapping("CRM sales export")] = None,
    source: Source = None,
    report_path: ReportPath = None,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1_000,
            help="Rows in one request; fewer where their texts are very long.",
            show_default="800",
        ),
    ] = None,
    wait: Wait = True,
    as_json: OutcomeAsJson = False,
) -> None:
    """Import a CRM's export; run it again after an interruption, nothing is added twice."""
    api = connect(context, patience_s=IMPORT_PATIENCE_S)
    from sellers.importing import watched  # noqa: PLC0415 - YAML, and the rules of importing

    summary = watched.crm(api, directory, (mapping, source), report_path, batch, err)
    _end_import(api, summary, wait=wait, as_json=as_json)


@imports.command("incidents")
def import_incidents_command(
    context: typer.Context,
    directory: Directory,
    mapping: Annotated[Path | None, _mapping("incident event log")] = None,
    source: Source = None,
    report_path: ReportPath = None,
    wait: Wait = True,
    as_json: OutcomeAsJson = False,
) -> None:
    """Import the log of a service desk; run it again, and only what is new in it is added."""
    api = connect(context, patience_s=IMPORT_PATIENCE_S)
    from sellers.importing import watched  # noqa: PLC0415 - YAML, and the rules of importing

    summary = watched.incidents(api, directory, (mapping, source), report_path, err)
    _end_import(api, summary, wait=wait, as_json=as_json)


def _end_import(api: Api, summary: Summary, *, wait: bool, as_json: bool) -> None:
    from sellers.importing import watched  # noqa: PLC0415 - as above

    stayed = not wait or watched.catch_up(api, summary, err)
    watched.show(summary, out, as_json=as_json)
    rejected = summary.total("rejected")
    if rejected and rejected == summary.total("read") and not summary.facts:
        raise typer.Exit(NOTHING_TAKEN)
    if not stayed:
        raise typer.Exit(INTERRUPTED)


@imports.command("ics")
def import_ics_command(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="FILE|DIR|URL")],
    employee: Annotated[str, typer.Option(help="Into whose calendar, as employee-7.")],
    category: Annotated[
        Category, typer.Option(help="What its events count as where they do not say.")
    ] = "internal",
    as_json: Annotated[bool, typer.Option("--json", help="A list of objects instead.")] = False,
) -> None:
    """Read calendars into a seller's; again, and only what is new there is taken over."""
    from sellers.importing.ics import import_ics, show  # noqa: PLC0415 - opens what is sealed

    api, done = connect(context, patience_s=PATIENCE_S), []
    # One file may take as long as many: what is said of it goes on meanwhile.
    with waiting(err, "reading calendars") as say:
        for one, files in import_ics(api, what, employee, category):
            done.append(one)
            say(f"reading calendars: {len(done):,} of {files:,}")
    if as_json:
        typer.echo(json.dumps(done, indent=2, ensure_ascii=False))
    else:
        show(done, out)
    if not any(one["recorded"] or one["unchanged"] for one in done) and any(
        one["refused"] for one in done
    ):
        raise typer.Exit(NOTHING_TAKEN)


@app.command()
def touch(  # noqa: PLR0913, PLR0917 - one for each thing that can be told of a touch
    context: typer.Context,
    person: Annotated[
        str | None, typer.Option(help="With whom.", show_default="somebody we know")
    ] = None,
    channel: Annotated[
        str,
        typer.Option(help="visit, call, email, chat, event, web, campaign, survey or other."),
    ] = "call",
    subject: Annotated[str, typer.Option(help="What it was about.")] = "A touch from the shell",
    employee: Annotated[str | None, typer.Option(help="Who of us was in touch.")] = None,
    grade: Annotated[str | None, typer.Option(help="That colleague's grade, as manager.")] = None,
    function: Annotated[str | None, typer.Option(help="And function, as support.")] = None,
    about: Annotated[str, typer.Option(help="general, opportunity, complaint, ...")] = "general",
    touch_id: Annotated[
        str | None,
        typer.Option(
            "--id", callback=header, help="Its id, in ASCII: the same id is the same touch."
        ),
    ] = None,
) -> None:
    """Send one touch and show its path: event, position, views, figure."""
    told = {
        "person": person,
        "channel": channel,
        "subject": subject,
        "employee": employee,
        "grade": grade,
        "function": function,
        "about": about,
    }
    watching.touch(connect(context), told, touch_id, err, out)


@app.command()
def lag(context: typer.Context) -> None:
    """Show how far everything that is folded is behind the log."""
    with waiting(err, "asking how far everything is"):
        answer = connect(context).get("/lag")
    table = columns(("domain", "collection"), ("written", "folded", "lag"))
    for row in answer["projections"]:
        counts = (f"{row[name]:,}" for name in ("written", "folded", "lag"))
        table.add_row(row["domain"], row["collection"], *counts)
    out.print(table)
    for domain, pending in answer.get("outbox", {}).items():
        if pending:
            out.print(f"{domain}: {pending:,} decisions wait to be published")


@app.command()
def erase(
    context: typer.Context,
    person: Annotated[str, typer.Argument(help="Whom, as person-7.")],
    reason: Annotated[
        str,
        typer.Option(
            help="asked_for, consent_withdrawn, no_longer_needed, unlawful, legal_duty or mistake."
        ),
    ] = "asked_for",
    basis: Annotated[
        str,
        typer.Option(help="gdpr_17, pipa_36, appi_35, ccpa_105, contract or company_rule."),
    ] = "gdpr_17",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: nobody can undo it.")] = False,
) -> None:
    """Forget a person: nothing about them can be read any more, anywhere, for ever."""
    if not yes:
        typer.confirm(f"Forget {person}? Nobody can undo it", abort=True)
    forgetting.erase(connect(context), person, reason, basis, out)


@app.command()
def erasures(context: typer.Context) -> None:
    """Show who was erased, when, by whom and why, and which key was destroyed."""
    forgetting.show(connect(context), out)


@parked.command("list")
def parked_list(context: typer.Context) -> None:
    """List the streams with facts set aside, and why."""
    parking.show_streams(connect(context), out)


@parked.command("show")
def parked_show(context: typer.Context, stream: Annotated[str, typer.Argument()]) -> None:
    """Show every parked fact of one stream, with its bytes."""
    for fact in parking.of_stream(connect(context), stream):
        typer.echo(fact)


@parked.command("replay")
def parked_replay(
    context: typer.Context,
    stream: Annotated[str | None, typer.Argument(show_default="all")] = None,
) -> None:
    """Fold parked facts again, in their order; what still cannot be folded stays parked."""
    parking.replay(connect(context), stream, out)


@parked.command("drop")
def parked_drop(
    context: typer.Context,
    position: Annotated[str, typer.Argument(help="topic/partition/offset, as `show` says it")],
    reason: Annotated[str, typer.Option(help="Why; it stays written down.")],
) -> None:
    """Leave a parked record out for good, here and in every rebuild, and go on with its stream."""
    parking.drop(connect(context), position, reason, out)


@parked.command("dropped")
def parked_dropped(context: typer.Context) -> None:
    """List what was left out for good: by whom, when and why."""
    parking.show_dropped(connect(context), out)


@private.command("key")
def private_key(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where the key is kept: nobody can make it again.")],
    employee: Annotated[str, typer.Option(help="Whose calendar, as employee-7.")],
) -> None:
    """Make a key in FILE; from now on your private entries are sealed to it."""
    from sellers.private import make_key  # noqa: PLC0415 - no other command opens anything

    public = make_key(connect(context), employee, file)
    out.print(f"{file} opens what is private to {employee} from now on; keep it, and a copy.")
    out.print(Text(f"public half: {public}"))


@private.command("show")
def private_show(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, metavar="KEY...")],
    employee: Annotated[str, typer.Option(help="Whose calendar, as employee-7.")],
    first: Annotated[str | None, typer.Option(help="From that day on, as 2026-01-31.")] = None,
    last: Annotated[str | None, typer.Option(help="Up to that day.")] = None,
) -> None:
    """Print your calendar as JSON, what is private in it opened on this machine."""
    from sellers.private import opened  # noqa: PLC0415 - no other command opens anything

    found = opened(connect(context), employee, files, first=first, last=last)
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False))


@app.command()
def rebuild(
    context: typer.Context,
    view: Annotated[str, typer.Argument(metavar="VIEW", callback=view_name)],
) -> None:
    """Fold a view again from the first fact, beside the present one; then queries switch."""
    watching.rebuild(connect(context, patience_s=PATIENCE_S), view, err, out)


@app.command()
def topics(
    context: typer.Context,
    apply: Annotated[
        bool,
        typer.Option(
            "--apply",
            help="First create what is missing: in the log of SELLERS_KAFKA, "
            "else in that of the `sellers up` of ./.data.",
        ),
    ] = False,
) -> None:
    """Compare the partitions of the log's topics with what is declared; exit 1 when they differ."""
    if apply:
        watching.apply_topics(context.find_root().obj, err, out)
        return
    rows = connect(context).get("/topics")["topics"]
    table = columns(("topic", "keyed by", "keeps"), ("declared", "applied", "records"))
    for row in rows:
        same = row["partitions"] == row["partitions_found"]
        table.add_row(
            *(Text(str(row[name])) for name in ("name", "key", "cleanup")),
            str(row["partitions"]),
            str(row["partitions_found"] or "missing"),
            f"{row['records']:,}",
            style="" if same else "red",
        )
    out.print(table)
    different = [r["name"] for r in rows if r["partitions"] != r["partitions_found"]]
    if different:
        err.print(f"not as declared: {', '.join(different)}", style="red")
        raise typer.Exit(DIFFERS)


@app.command()
def verify(context: typer.Context) -> None:
    """Recompute every view and figure from the log; exit 0 when equal, 1 when something differs."""
    if not watching.verify(connect(context), err, out):
        raise typer.Exit(DIFFERS)
