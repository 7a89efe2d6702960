"""O-05: one record, four readers; what people wrote is text on every page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from html.parser import HTMLParser
from typing import Any, get_args

import pytest
from httpx2 import AsyncClient
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.opportunities.defaults import OpportunitiesDefaults
from services.opportunities.main import domain, router
from services.opportunities.record.pages import Audience, document
from services.opportunities.record.views import OpportunityRecord, opportunity_record
from shared.documents import html, markdown
from shared.events.opportunities import (
    ActionAgreed,
    CoachingHeld,
    CommitmentMade,
    EvidenceRecorded,
    OpportunityDiscovered,
    OpportunityEvent,
    PersonAssessed,
    RecordEvent,
)
from shared.testing import facts, recorded, serving

RULES = OpportunitiesDefaults()
MONDAY, FRIDAY = date(2026, 1, 5), date(2026, 1, 9)
AUDIENCES = get_args(Audience)
CHANCE = OpportunityDiscovered(
    title="펌프 교체", stage="Prospecting", owner="employee-1", on=MONDAY
)
TOLD = (
    EvidenceRecorded(stage="Prospecting", what="Visited the plant", on=MONDAY),
    PersonAssessed(person="person-1", influence="decides", stance="sceptic", on=MONDAY),
    CoachingHeld(
        session="s",
        step="goal",
        stage="Prospecting",
        coach="employee-9",
        facts="Silence",
        on=MONDAY,
    ),
    ActionAgreed(
        action="a", what="Visit them", owner="employee-1", due_on=FRIDAY, session="s", on=MONDAY
    ),
    CommitmentMade(
        seller="employee-1",
        confidence="commit",
        amount=90,
        currency="USD",
        close_on=FRIDAY,
        on=MONDAY,
    ),
)
EVIL = "<script>alert(1)</script>|[x](javascript:1)`\"'&\n# h\u202e"
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "table", "thead"),
    *("tbody", "tr", "th", "td", "br"),
}


def seen(*told: Any) -> OpportunityRecord:
    history = recorded(*told, stream="opportunity-1")
    return opportunity_record.replay(history)["opportunity-1"]


def test_o_05_each_reader_is_told_their_part_of_the_same_record() -> None:
    view = seen(CHANCE, *TOLD)
    pages = {audience: document(view, audience, FRIDAY, RULES) for audience in AUDIENCES}
    sections = {name: {one.title: one for one in page.sections} for name, page in pages.items()}
    assert "Coaching" in sections["coaching"]
    assert "Coaching" not in sections["executive"]
    assert len(sections["seller"]) == 14
    for one in sections.values():
        for title, section in one.items():
            # Whoever is told something is told the same.
            assert sections["seller"].get(title, section) == section
    (action,) = sections["coaching"]["Actions agreed in coaching"].rows
    assert action == sections["seller"]["Actions"].rows[0]
    glance = dict(sections["executive"]["At a glance"].rows)
    assert (glance["Owner"], glance["Stage"]) == ("employee-1", "Prospecting")


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_o_05_what_people_wrote_is_never_markup() -> None:
    view = seen(
        CHANCE.model_copy(update={"title": EVIL}),
        EvidenceRecorded(stage="Prospecting", what=EVIL, on=MONDAY),
    )
    page = document(view, "seller", FRIDAY, RULES)
    read = Tags()
    read.feed(html(page))
    assert read.tags <= ALLOWED
    assert read.attributes <= {"lang", "charset", "scope", "dir"}
    assert "<script>alert(1)</script>" in read.text
    assert "\u202e" not in html(page) + markdown(page)
    first, *lines = markdown(page).splitlines()
    assert first.startswith(r"# \<script\>alert\(1\)\</script\>\|\[x\]\(javascript\:1\)\`")
    assert [line for line in lines if line.startswith("# ")] == []
    assert "<script" not in markdown(page).replace(r"\<", "")


@for_all(st.lists(facts(OpportunityEvent | RecordEvent), max_size=8))
def test_o_05_every_page_can_be_made_of_whatever_was_told(told: list[Any]) -> None:
    view = seen(CHANCE, *told)
    for audience in AUDIENCES:
        page = document(view, audience, FRIDAY, RULES)
        read = Tags()
        read.feed(html(page))
        assert read.tags <= ALLOWED
        columns = [len(row) - len(one.columns) for one in page.sections for row in one.rows]
        assert not any(columns)
        assert markdown(page).startswith("# ")


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def test_o_05_a_page_is_exported_as_markdown_and_html(client: AsyncClient) -> None:
    answer = await client.post("/opportunities/1/discover", json={"title": "펌프 <교체>"})
    after = {"X-At-Least": answer.json()["token"]}
    path = "/opportunities/1/pages/report"
    told = (await client.get(path, headers=after)).json()
    assert (told["title"], told["audience"]) == ("펌프 <교체>", "report")
    page = await client.get(f"{path}?form=html&today=2026-01-09")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; form-action 'none'")
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "<h1>펌프 &lt;교체&gt;</h1><p>Report, 2026-01-09</p>" in page.text
    text = await client.get(f"{path}?form=markdown")
    assert text.headers["content-type"] == "text/markdown; charset=utf-8"
    assert text.text.startswith("# 펌프 \\<교체\\>\n")
    assert (await client.get("/opportunities/1/pages/press")).status_code == 422
    assert (await client.get("/opportunities/2/pages/report")).status_code == 404
