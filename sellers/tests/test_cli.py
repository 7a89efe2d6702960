"""What each command asks of the API, what it shows, and how it fails: in one line."""

from __future__ import annotations

import io
import json
import re
import socket
import subprocess
import sys
import tempfile
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, get_args

import pytest
from rich.console import Console
from typer.testing import CliRunner

from sellers.cli import app
from sellers.console import waiting
from sellers.data_dir import DataDir
from sellers.up import Options, up
from services.analytics.report_by import PipelineBy
from shared.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Answer = tuple[int, Any]
WITH = ("--person", "person-7", "--subject", "[bold] a question")


class Platform(ThreadingHTTPServer):
    """Answers what a test says it answers, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[str] = []
        self.bodies: list[Any] = []
        self.headers: dict[str, str] = {}
        self.at_least: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def on(self, request: str, *answers: Answer) -> None:
        """The answers to one request, in order; the last one for ever."""
        self.answers[request] = list(answers)

    def answer(self, request: str) -> Answer:
        left = self.answers.get(request) or [(404, {"title": "Not Found", "detail": request})]
        return left.pop(0) if len(left) > 1 else left[0]


class Asked(BaseHTTPRequestHandler):
    server: Platform

    def do_GET(self) -> None:
        self.server.at_least.append(self.headers.get("x-at-least"))
        self.respond()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.bodies.append(json.loads(body) if body else None)
        self.server.headers = {name.lower(): value for name, value in self.headers.items()}
        self.respond()

    def respond(self) -> None:
        request = f"{self.command} {self.path}"
        self.server.asked.append(request)
        status, answer = self.server.answer(request)
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output free of it."""


@pytest.fixture
def platform() -> Iterator[Platform]:
    with Platform() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def run(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SELLERS_URL", platform.url)
    return lambda *words: CliRunner().invoke(app, words)


ROW = {
    "key": "Won",
    "label": None,
    "count": 4238,
    "won": 4238,
    "lost": 0,
    "open": 0,
    "value_won": "10005534",
    "win_rate": "100.00",
    "mean_cycle_days": "51.78",
}


def test_a_report_is_exactly_what_the_api_answers_as_json(platform: Platform, run: Any) -> None:
    rows = [ROW, {**ROW, "key": None, "win_rate": None}]
    platform.on("GET /analytics/pipeline?by=stage&as_of=2017-06-30", (200, {"rows": rows}))
    done = run("report", "pipeline", "--by", "stage", "--as-of", "2017-06-30", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == rows


def test_what_was_won_in_other_currencies_is_shown_beside(platform: Platform, run: Any) -> None:
    abroad = {**ROW, "key": "Abroad", "value_won": "0"}
    abroad["value_won_other"] = {"EUR": "120.5", "KRW": "1234567"}
    platform.on("GET /analytics/pipeline?by=region", (200, {"rows": [ROW, abroad]}))
    lines = run("report", "pipeline", "--by", "region").stdout.splitlines()
    assert any(line.rstrip().endswith("in other currencies") for line in lines)
    (line,) = [line for line in lines if "Abroad" in line]
    assert line.rstrip().endswith("120 EUR, 1,234,567 KRW")


@pytest.mark.parametrize(
    ("words", "asked", "row", "shown"),
    [
        (
            ("forecast", "--by", "team", "--first", "2026-04-01", "--unit", "unit-1"),
            "forecast?by=team&from=2026-04-01&unit=unit-1",
            {"key": "Red", "commit_count": 2, "commit": "1200", "upside": "7"},
            ("Red", "1,200"),
        ),
        (
            ("attainment", "--on", "2026-04-01"),
            "attainment?on=2026-04-01",
            {"name": "Kim", "amount": "200", "won": "100.5", "percent": "50.25", "gap": "99.5"},
            ("Kim", "50.25 %"),
        ),
        (
            ("issues", "--by", "status", "--as-of", "2026-05-01"),
            "issues?by=status&as_of=2026-05-01",
            {"key": "Active", "cases": 1200, "open": 1100, "closed": 100, "kept": 7, "moved": 0},
            ("Active", "1,200"),
        ),
        (
            ("issues", "--by", "move"),
            "issues?by=move",
            {"key": "New→Active", "moved": 7936},
            ("New→Active", "7,936"),
        ),
        (
            ("yield", "--by", "month", "--known-at", "2026-05-01T09:00:00+09:00"),
            "yield?by=month&known_at=2026-05-01T09%3A00%3A00%2B09%3A00",
            {"key": "2026-04", "touches": 12, "won": 3, "value_per_touch": "8.30"},
            ("2026-04", "8.30"),
        ),
    ],
)
def test_what_sellers_stand_by_and_what_came_of_it_are_reports_too(
    platform: Platform,
    run: Any,
    words: tuple[str, ...],
    asked: str,
    row: dict[str, Any],
    shown: tuple[str, ...],
) -> None:
    platform.on(f"GET /analytics/{asked}", (200, {"rows": [row]}))
    (line,) = [line for line in run("report", *words).stdout.splitlines() if shown[0] in line]
    assert shown[1] in line
    assert json.loads(run("report", *words, "--json").stdout) == [row]


def test_x_02_what_came_of_campaigns_is_a_report(platform: Platform, run: Any) -> None:
    row = {"campaign": "campaign-1", "name": "Spring fair", "state": "ended"}
    row |= {"reached": 40, "responded": 10, "response_rate": 0.25, "opportunities": 3, "won": 1}
    row |= {"won_value": {"KRW": "1200.50", "USD": "7"}, "spent": "900", "spent_currency": "KRW"}
    row |= {"useful_yes": 2}
    platform.on("GET /campaigns/figures", (200, {"rows": [row]}))
    (line,) = [
        line for line in run("report", "campaigns").stdout.splitlines() if "Spring fair" in line
    ]
    for shown in ("25.00 %", "████", "1,200 KRW"):
        assert shown in line
    assert json.loads(run("report", "campaigns", "--json").stdout) == [row]


def test_x_01_the_reconciliation_shows_what_needs_somebody_unless_all_is_asked_for(
    platform: Platform, run: Any
) -> None:
    rows = [
        {"opportunity": "opportunity-fits", "state": "matched"},
        {"opportunity": "opportunity-late", "state": "missing"},
    ]
    answer = {"rows": rows, "counts": {"matched": 1, "missing": 1}}
    platform.on("GET /opportunities/reconciliation", (200, answer))
    platform.on("GET /opportunities/reconciliation?state=matched", (200, answer))

    def shown(*words: str) -> set[str]:
        lines = run("report", "reconciliation", *words).stdout.splitlines()
        return {line.split()[0] for line in lines if line.strip()} & {"fits", "late"}

    assert shown() == {"late"}
    assert shown("--all") == shown("--state", "matched") == {"fits", "late"}
    assert json.loads(run("report", "reconciliation", "--json").stdout) == rows


def test_a_report_is_a_table_with_bars_for_people(platform: Platform, run: Any) -> None:
    half = {**ROW, "key": "Half", "value_won": "5002767"}
    platform.on("GET /analytics/pipeline?by=stage", (200, {"rows": [ROW, half]}))
    done = run("report", "pipeline")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    won, halved = (next(x for x in lines if x.strip().startswith(key)) for key in ("Won", "Half"))
    assert "10,005,534" in won
    assert "51.78" in won
    assert (won.count("█"), halved.count("█")) == (16, 8)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report", "pipeline", "--by", "moon"), "'moon' is not one of 'stage'"),
        (("report", "pipeline", "--as-of", "31.12.2017"), "31.12.2017"),
        (("nonsense",), "No such command 'nonsense'"),
        (("parked",), "Missing command"),
        (("report", "pipeline", "--as-of", "2026-13-01"), "'--as-of': '2026-13-01' does not match"),
        (("report", "yield", "--known-at", "2026-05-01"), "'--known-at': '2026-05-01' does not"),
        (("rebuild", "../x"), "'../x' is no name of a view"),
        (("rebuild", ""), "'' is no name of a view"),
        (("import", "crm", "/nowhere/at/all"), "does not exist"),
    ],
)
def test_a_command_typed_wrongly_is_told_in_one_line(
    run: Any, words: tuple[str, ...], said: str
) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_nobody_there_is_told_in_one_line(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setenv("SELLERS_URL", url)
    done = run("lag")
    assert done.exit_code == 1
    assert done.stderr == f"sellers: nothing answers at {url}; start it with `sellers up`\n"


def test_giving_up_while_the_command_still_loads_is_no_traceback() -> None:
    interrupted = "import builtins, sellers.__main__ as command\n"
    interrupted += "def give_up(*_, **__): raise KeyboardInterrupt\n"
    interrupted += "builtins.__import__ = give_up\n"
    interrupted += "command.main()\n"
    done = subprocess.run(
        [sys.executable, "-c", interrupted], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_terminal_without_our_letters_shows_their_code_points(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.on("GET /analytics/pipeline?by=region", (200, {"rows": [{**ROW, "key": "영남"}]}))
    monkeypatch.setenv("SELLERS_URL", platform.url)
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    words = [sys.executable, "-m", "sellers", "report", "pipeline", "--by", "region"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert r"\uc601\ub0a8" in done.stdout


def test_what_is_no_text_is_told_in_one_line(platform: Platform, run: Any) -> None:
    platform.answer = answering(platform, days_of([5]))  # type: ignore[method-assign]
    done = run("touch", "--person", "person-7", "--subject", "\udcff")
    assert done.exit_code == 1
    assert done.stderr.startswith("sellers: this cannot be sent: str is not valid UTF-8")
    assert len(done.stderr.splitlines()) == 1


def test_a_path_that_the_platform_does_not_serve_is_named(platform: Platform, run: Any) -> None:
    platform.on("GET /elsewhere/lag", (404, {"title": "Not Found", "detail": "Not Found"}))
    done = run("--url", f"{platform.url}/elsewhere", "lag")
    assert done.stderr == (
        f"sellers: {platform.url}/elsewhere/lag is no address of this platform (404)\n"
    )


def test_what_takes_longer_than_a_moment_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        written = threading.Event()

        def write(self, text: str) -> int:
            self.written.set()
            return super().write(text)

    monkeypatch.setattr("sellers.console.MOMENT_S", 0.01)
    screen = Screen()
    with waiting(Console(file=screen), "folding the [log] again"):
        assert screen.written.wait(10)
    assert screen.getvalue() == "folding the [log] again\n"


@pytest.mark.parametrize("url", ["here", "ftp://127.0.0.1", "http://[::1"])
def test_what_is_no_address_is_told_in_one_line(run: Any, url: str) -> None:
    done = run("--url", url, "lag")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"sellers: {url!r} is no address: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((422, {"detail": "no such day", "errors": [{"pointer": "as_of"}]}), "as_of: no such day"),
        ((503, {"missing": {"worker": "two batches behind"}}), "worker: two batches behind"),
        ((500, b"<html>"), "(500)"),
        ((200, b"<html>"), "does not answer with JSON"),
    ],
)
def test_a_refusal_is_told_in_one_line(
    platform: Platform, run: Any, answer: Answer, said: str
) -> None:
    platform.on("GET /lag", answer)
    done = run("lag")
    assert done.exit_code == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_address_is_that_of_the_data_directory_here(
    platform: Platform, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SELLERS_URL")
    here = DataDir(tmp_path / ".data")
    with here.held():
        here.remembered.url = platform.url
        here.remember()
    platform.on("GET /lag", (200, {"projections": []}))
    assert run("lag").exit_code == 0
    assert platform.asked == ["GET /lag"]


def test_lag_lists_every_collection(platform: Platform, run: Any) -> None:
    row = {"domain": "contacts", "collection": "person_card_v1", "folded": 7, "written": 1_009}
    answer = {"projections": [{**row, "lag": 1_002}], "outbox": {"contacts": 3}}
    platform.on("GET /lag", (200, answer))
    done = run("lag")
    assert re.search(r"contacts +person_card_v1 +1,009 +7 +1,002", done.stdout)
    assert "contacts: 3 decisions wait to be published" in done.stdout


PARKED = {
    "domain": "contacts",
    "collection": "person_card_v1",
    "stream": "person-7",
    "version": 3,
    "position": "contacts/0/12",
    "reason": "undecodable: [no] JSON",
    "parked_at": "2026-01-02T03:04:05Z",
    "value": "{",
}


def test_parked_facts_are_listed_by_stream_and_shown_whole(platform: Platform, run: Any) -> None:
    platform.on("GET /parked", (200, {"parked": [PARKED, {**PARKED, "version": 4}]}))
    (line,) = [x for x in run("parked", "list").stdout.splitlines() if "person-7" in x]
    assert re.search(r"person-7 +2 +2026-01-02T03:04:05Z +undecodable: \[no\] JSON", line)
    assert json.loads(run("parked", "show", "person-7").stdout.split("}\n")[0] + "}") == PARKED
    missing = run("parked", "show", "person-8")
    assert (missing.exit_code, missing.stderr) == (
        1,
        "sellers: nothing of person-8 is parked\n",
    )


def test_a_replay_that_leaves_something_parked_fails(platform: Platform, run: Any) -> None:
    platform.on("GET /parked", (200, {"parked": [PARKED]}))
    platform.on("POST /parked/replay", (200, {"left": 1}), (200, {"left": 0}))
    done = run("parked", "replay", "person-7")
    assert done.exit_code == 1
    assert "1 facts still cannot be folded" in done.stderr
    assert run("parked", "replay").exit_code == 0
    asked = {name: PARKED[name] for name in ("domain", "collection", "stream")}
    assert platform.bodies == [asked, asked]


def test_a_rebuild_is_watched_until_queries_read_it(platform: Platform, run: Any) -> None:
    def view(collection: str, folded: int | None) -> Answer:
        building = None if folded is None else {"folded": folded, "written": 40}
        found = {"name": "person_card", "collection": collection, "building": building}
        return 200, {"views": [found]}

    old, new = "person_card_v1", "person_card_v1_1"
    platform.on("POST /views/person_card/rebuild", (202, {"collection": new}))
    platform.on("GET /views", view(old, 0), view(old, 20), view(old, 40), view(new, None))
    done = run("rebuild", "person_card")
    assert done.exit_code == 0
    assert "rebuilding person_card: 20 of 40" in done.stderr
    assert done.stdout == f"person_card is read from {new} now\n"


@pytest.mark.parametrize(("differences", "code"), [([], 0), (["person_card: person-7.name"], 1)])
def test_verify_says_equal_or_names_what_differs(
    platform: Platform, run: Any, differences: list[str], code: int
) -> None:
    check = {"name": "contacts.person_card", "checked": 93, "differences": differences}
    verdict = {"equal": not differences, "differences": differences}
    body = b"\n".join(json.dumps(line).encode() for line in (check, verdict))
    platform.on("GET /verify", (200, body))
    done = run("verify")
    assert done.exit_code == code
    assert "contacts.person_card: 93 checked" in done.stderr
    assert done.stdout.splitlines()[-1] == ("not equal" if code else "equal")
    assert [line for line in done.stdout.splitlines() if "person-7" in line] == [
        f"differs: {name}" for name in differences
    ]


def test_a_verification_that_breaks_off_is_not_equal(platform: Platform, run: Any) -> None:
    platform.on("GET /verify", (200, b'{"name":"x","checked":1,"differences":[]}\n'))
    done = run("verify")
    assert done.exit_code == 1
    assert "broke off" in done.stderr


def test_topics_that_differ_fail(platform: Platform, run: Any) -> None:
    same = {"name": "contacts", "key": "person-…", "cleanup": "keep", "records": 1_009}
    same |= {"partitions": 4, "partitions_found": 4}
    other = {**same, "name": "issues", "partitions_found": 0, "records": 0}
    platform.on("GET /topics", (200, {"topics": [same]}), (200, {"topics": [same, other]}))
    fits = run("topics")
    assert fits.exit_code == 0
    assert re.search(r"contacts +person-… +keep +4 +4 +1,009", fits.stdout)
    done = run("topics")
    assert (done.exit_code, done.stderr) == (1, "not as declared: issues\n")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"SELLERS_KAFKA": "localhost:abc"}, "SELLERS_KAFKA: 'localhost:abc' is no broker's"),
        ({"SELLERS_KAFKA": "127.0.0.1:99999"}, "SELLERS_KAFKA: '127.0.0.1:99999' is no broker's"),
        ({"SELLERS_KAFKA": ""}, "SELLERS_KAFKA: '' is no broker's host:port"),
        ({"SELLERS_PORT": "70000"}, "SELLERS_PORT: Input should be less than"),
        ({"SELLERS_ZONE": "Moon"}, "SELLERS_ZONE: 'Moon' is no IANA time zone"),
        ({"SELLERS_KAFKAA": "x"}, "sellers: unknown: SELLERS_KAFKAA"),
        ({"SELLERS_KAFKA_CA_FILE": "/nowhere"}, "SELLERS_KAFKA_CA_FILE: Path does not point to"),
        (
            {"SELLERS_KAFKA_SECURITY_PROTOCOL": "SSL", "SELLERS_KAFKA_CA_FILE": __file__},
            f"SELLERS_KAFKA_CA_FILE: {__file__}: ",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_named(
    run: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    settings: dict[str, str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SELLERS_URL")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    done = run("topics", "--apply")
    assert done.exit_code == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_platform_with_a_setting_that_cannot_be_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SELLERS_CURRENCY", "euro")
    assert up(Options(tmp_path / "data")) == 1
    assert capsys.readouterr().err.startswith("sellers up: SELLERS_CURRENCY: ")
    assert not (tmp_path / "data").exists()


def test_no_log_there_is_told_in_one_line_with_the_reason(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sellers.topics.WAIT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setenv("SELLERS_KAFKA", address)
    done = run("topics", "--apply")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"sellers: no broker answers at {address} within 0.5 s: Unable")
    assert done.stderr.endswith(" (SELLERS_KAFKA says where the log is)\n")
    assert len(done.stderr.splitlines()) == 1


def test_topics_are_applied_to_no_other_log_than_that_of_the_address(
    platform: Platform, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("topics", "--apply")
    assert done.exit_code == 1
    assert done.stderr == (
        f"sellers: which log {platform.url} writes to is not known here: say SELLERS_KAFKA\n"
    )


def test_a_key_that_is_printed_counts(platform: Platform, run: Any) -> None:
    """Whoever reads it may show it in the next moment: so it is folded before."""
    platform.on("POST /organization/keys/mailer/issue", (202, {"key": "sk_x", "token": "t1"}))
    platform.on("GET /organization/keys/mailer", (200, {"key": "key-mailer"}))
    done = run("keys", "create", "mailer", "--role", "marketing")
    assert (done.exit_code, done.stdout, platform.at_least) == (0, "sk_x\n", ["t1"])


def test_a_key_whose_last_day_is_over_is_listed_as_such(platform: Platform, run: Any) -> None:
    said = {"name": "n", "roles": ["analytics"], "only": None, "issued_by": "admin"}
    rows = [
        said | {"key": f"key-{name}", "expires_on": "2026-01-01", "expired": gone, "revoked": off}
        for name, gone, off in (("a", False, False), ("b", True, False), ("c", True, True))
    ]
    platform.on("GET /organization/keys?limit=200", (200, {"items": rows, "next_cursor": None}))
    lines = run("keys", "list").stdout.splitlines()
    assert [line.split()[-1] for line in lines if "analytics" in line] == [
        "counts",
        "expired",
        "revoked",
    ]


def test_a_touch_shows_its_path(platform: Platform, run: Any) -> None:
    stream = "touch-1"
    view = {"domain": "contacts", "collection": "timeline_v1", "keys": ["person-7-2026-01"]}
    trace = {"facts": [{"position": "touches/3/117"}], "views": [{**view, "folded_version": 1}]}
    platform.on("POST /touches?source=cli", (202, {"stream": stream, "token": "x"}))
    platform.on(f"GET /trace/{stream}", (404, {"detail": "not yet"}), (200, trace))
    days = days_of([5, 6])
    platform.answer = answering(platform, days)  # type: ignore[method-assign]
    done = run("touch", *WITH, "--grade", "executive", "--function", "support", "--id", "k1")
    assert done.exit_code == 0, done.stderr
    assert platform.headers["idempotency-key"] == "k1"
    told = {"person": "person-7", "grade": "executive", "function": "support"}
    assert told.items() <= platform.bodies[0].items()
    for part in ("[bold] a question", "touches/3/117", "contacts.timeline_v1", "5 -> 6"):
        assert part in done.stdout


def days_of(counts: list[int]) -> Iterator[list[dict[str, Any]]]:
    """The figures of touches by day, at first and afterwards, where tomorrow has begun already."""
    tomorrow = (SystemClock().now() + timedelta(days=1)).date().isoformat()
    yield from (
        [{"key": "2000-01-01", "touches": 9}, {"key": tomorrow, "touches": n}] for n in counts
    )


def answering(platform: Platform, days: Iterator[Any]) -> Callable[[str], Answer]:
    """Answer the figures of any days around now with the next of these."""
    answer = platform.answer
    today = SystemClock().now().date()
    first, last = (today + timedelta(days=n) for n in (-1, 1))
    asked = f"GET /analytics/touches?by=day&first={first}&last={last}"
    return lambda request: (200, {"rows": next(days)}) if request == asked else answer(request)


def test_the_figure_of_a_touch_is_found_where_the_company_has_another_date(
    platform: Platform, run: Any
) -> None:
    """In Seoul it is tomorrow for nine hours of each day of ours."""
    platform.on("POST /touches?source=cli", (202, {"stream": "touch-1", "token": "x"}))
    trace = {"facts": [{"position": "touches/3/117"}], "views": []}
    platform.on("GET /trace/touch-1", (200, trace))
    platform.answer = answering(platform, days_of([5, 5, 6]))  # type: ignore[method-assign]
    done = run("touch", *WITH)
    tomorrow = (SystemClock().now() + timedelta(days=1)).date()
    assert f"touches on {tomorrow}: 5 -> 6" in done.stdout


@pytest.mark.parametrize("name", ["터치", "", "a\nb"])
def test_an_id_that_cannot_travel_is_told_in_one_line(
    platform: Platform, run: Any, name: str
) -> None:
    done = run("touch", *WITH, "--id", name)
    assert done.exit_code == 2
    assert "'--id': printable ASCII characters, please" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert platform.asked == []


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("GET /lag", ("lag",)),
        ("GET /verify", ("verify",)),
        ("GET /parked", ("parked", "list")),
        ("GET /topics", ("topics",)),
        ("GET /analytics/pipeline?by=stage", ("report", "pipeline")),
        ("POST /views/x/rebuild", ("rebuild", "x")),
    ],
)
@pytest.mark.parametrize("document", [{"hello": "world"}, [1, 2], "hello"])
def test_another_server_that_answers_with_json_is_told_in_one_line(
    platform: Platform, run: Any, request_: str, words: tuple[str, ...], document: Any
) -> None:
    platform.on(request_, (200, document))
    done = run(*words)
    assert done.exit_code == 1
    assert f"sellers: {platform.url} is not this platform: it answers with" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_mistake_of_ours_is_one_line_that_says_where_the_details_are(
    platform: Platform, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    platform.on("GET /lag", (200, {"projections": [{"domain": "contacts"}]}))
    done = run("lag")
    assert done.exit_code == 1
    (details,) = tmp_path.iterdir()
    assert done.stderr == f"sellers: KeyError: 'collection' (the details are in {details})\n"
    assert details.read_text().startswith("Traceback (most recent call last)")


def test_a_demo_company_beyond_all_measure_is_refused_before_anything_is_kept(
    run: Any, tmp_path: Path
) -> None:
    done = run("up", "--data-dir", str(tmp_path / "data"), "--size", "6000")
    assert done.exit_code == 2
    assert "'--size'" in done.stderr
    assert "5000" in done.stderr
    assert up(Options(tmp_path / "data", size=6_000)) == 1
    assert not (tmp_path / "data" / "up.json").exists()


def test_whatever_the_figures_can_be_grouped_by_can_be_asked_for(
    platform: Platform, run: Any
) -> None:
    for by in get_args(PipelineBy):
        platform.on(f"GET /analytics/pipeline?by={by}", (200, {"rows": []}))
        assert run("report", "pipeline", "--by", by).exit_code == 0
