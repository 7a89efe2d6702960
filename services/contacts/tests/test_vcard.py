"""People come from address books and go there as vCards, in every version and script."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from httpx2 import AsyncClient
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.contacts.main import domain, router
from services.contacts.tests.client import get, post
from services.contacts.vcard import NotAVCardError, VCard, parse, write
from shared.testing import serving

THREE = """BEGIN:VCARD
VERSION:3.0
UID:abc
N:김;민준;;;
FN:김민준
ORG:한빛전자;영업
TITLE:부장
EMAIL;TYPE=work:kim@old.example
EMAIL;TYPE="work,pref":kim@a.example
item1.TEL;TYPE=cell:+82 10-1234-5678
END:VCARD
""".replace("\n", "\r\n")
TWO = """BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=EA=B9=80;=EB=AF=BC=
=EC=A4=80
TEL;CELL;PREF:010-1234-5678
END:VCARD
"""


def test_a_card_is_read_in_each_version() -> None:
    (three,), (two,) = parse(THREE), parse(TWO)
    assert (three.name, three.email, three.phone) == ("김민준", "kim@a.example", "+82 10-1234-5678")
    assert (three.uid, three.organizations) == ("abc", (("한빛전자", "부장"),))
    assert (two.name, two.phone) == ("김민준", "010-1234-5678")
    four = "BEGIN:VCARD\nVERSION:4.0\nFN:Kim\\, Min\nTEL;VALUE=uri:tel:+82-1\n -2\nEND:VCARD"
    assert parse(four) == [VCard(name="Kim, Min", phone="+82-1-2")]


@pytest.mark.parametrize("text", ["", "Kim", "BEGIN:VCARD\nFN:Kim\n"])
def test_what_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(NotAVCardError):
        parse(text)


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), min_size=1)


@for_all(NAMES, NAMES, NAMES)
def test_what_is_written_is_read_back_and_no_line_is_too_long(a: str, b: str, c: str) -> None:
    card = VCard(name=a, email=f"{b}@x.example", uid=c, organizations=((b, c),))
    text = write([card, card])
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert parse(text) == [card, card]


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def test_people_are_imported_once_with_whom_they_may_be(client: AsyncClient) -> None:
    told = {"name": "Kim Min-jun", "phone": "010-1234-5678"}
    after = await post(client, "/contacts/people/1/register", told)
    for path in ("/contacts/duplicates", "/contacts/people/1"):
        await get(client, path, after)
    headers = {"content-type": "text/vcard"}

    async def sent(text: str) -> dict[str, object]:
        answer = await client.post("/contacts/vcards", content=text.encode(), headers=headers)
        assert answer.status_code == 202, answer.text
        (item,) = answer.json()["items"]
        found: dict[str, object] = item
        return found

    first = await sent(THREE)
    assert first["status"] == "recorded"
    assert [one["person"] for one in first["duplicates"]] == ["person-1"]  # type: ignore[attr-defined]
    assert (await sent(THREE))["status"] == "unchanged"
    changed = await sent(THREE.replace("kim@a.example", "kim@b.example"))
    assert (changed["person"], changed["status"]) == (first["person"], "recorded")
    path = f"/contacts/people/{str(first['person']).removeprefix('person-')}"
    card = await get(client, path, str(changed["token"]))
    assert (card["email"], card["details"][0]["email"]) == ("kim@b.example", "kim@a.example")
    refused = await client.post("/contacts/vcards", content=b"Kim", headers=headers)
    assert refused.status_code == 422
    nameless = await sent("BEGIN:VCARD\nEMAIL:kim@a.example\nEND:VCARD\n")
    assert nameless["status"] == "refused"


async def test_a_person_and_a_companys_people_are_exported(client: AsyncClient) -> None:
    await post(client, "/contacts/companies/1/register", {"name": "한빛전자"})
    await post(client, "/contacts/people/1/register", {"name": "김민준", "email": "kim@a.example"})
    told = {"company": "company-1", "role": "부장"}
    after = await post(client, "/contacts/people/1/affiliate", told)
    for path in ("/contacts/people/1/vcard", "/contacts/companies/1/vcards"):
        answer = await client.get(path, headers={"X-At-Least": after})
        assert answer.headers["content-type"] == "text/vcard; charset=utf-8"
        (card,) = parse(answer.text)
        assert (card.name, card.uid) == ("김민준", "person-1")
        assert card.organizations == (("한빛전자", "부장"),)
    headers = {"content-type": "text/vcard"}
    back = await client.post("/contacts/vcards", content=answer.content, headers=headers)
    (item,) = back.json()["items"]
    assert (item["person"], item["status"]) == ("person-1", "unchanged")
    assert (await client.get("/contacts/people/9/vcard")).status_code == 404
