"""People as vCards: 4.0 is written (RFC 6350); 2.1, 3.0 and 4.0 are read. Pure.

Only what we know of a person is read: name, address, number, language. Lines end in CRLF and are
folded after 75 octets, never within a character.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from services.contacts.names import HAN, HANGUL

OCTETS_MAX = 75
_FOLD = re.compile(r"\r?\n[ \t]")
_SOFT = re.compile(r"=\r?\n")
_ESCAPED = re.compile(r"\\(.)")


class NotAVCardError(ValueError):
    """The text holds no vCard, or one without an end."""


@dataclass(frozen=True, slots=True)
class VCard:
    """What a card says that our book has a place for."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    language: str | None = None
    uid: str | None = None
    organizations: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    value: str
    preferred: int = 100
    parameters: dict[str, str] = field(default_factory=dict)


def parse(text: str) -> list[VCard]:
    """Return the people of a file.

    Raises:
        NotAVCardError: saying what is missing.

    """
    cards: list[VCard] = []
    lines: list[_Line] | None = None
    for line in _lines(text):
        mark = (line.name, line.value.strip().upper())
        if mark == ("BEGIN", "VCARD"):
            lines = []
        elif mark == ("END", "VCARD") and lines is not None:
            cards.append(_card(lines))
            lines = None
        elif lines is not None:
            lines.append(line)
    if lines is not None:
        raise NotAVCardError("a vCard has no END:VCARD")
    if not cards:
        raise NotAVCardError("no BEGIN:VCARD")
    return cards


def _lines(text: str) -> Iterator[_Line]:
    # Version 2.1 breaks encoded lines after a `=`; only in those is it a break.
    parts = re.split(r"(?im)^(?=[^\r\n:]*quoted-printable)", text.removeprefix("\ufeff"))
    whole = parts[0] + "".join(_one_line(part) for part in parts[1:])
    for line in _FOLD.sub("", whole).splitlines():
        head, colon, value = line.partition(":")
        if colon:
            yield _line(head, value)


def _one_line(part: str) -> str:
    end = re.search(r"(?<!=)\r?\n", part)
    place = end.start() if end else len(part)
    return _SOFT.sub("", part[:place]) + part[place:]


def _line(head: str, value: str) -> _Line:
    name, *told = head.split(";")
    pairs = [one.partition("=") for one in told]
    parameters = {key.upper(): said.strip('"') for key, _, said in pairs}
    words = {word.upper() for key, _, said in pairs for word in (key, *said.strip('"').split(","))}
    if "QUOTED-PRINTABLE" in words:
        charset = parameters.get("CHARSET", "utf-8")
        value = _decoded(quopri.decodestring(value.encode()), charset)
    rank = parameters.get("PREF", "")
    preferred = int(rank) if rank.isdigit() else 1 if "PREF" in words else 100
    return _Line(name.rpartition(".")[2].upper(), value, preferred, parameters)


def _decoded(value: bytes, charset: str) -> str:
    try:
        return value.decode(charset, errors="replace")
    except LookupError:
        return value.decode(errors="replace")


def _card(lines: list[_Line]) -> VCard:
    def best(name: str) -> str | None:
        found = [line for line in lines if line.name == name and line.value.strip()]
        chosen = min(found, key=lambda line: line.preferred, default=None)
        return None if chosen is None else _plain(chosen.value).strip() or None

    family_first = next((line.value for line in lines if line.name == "N"), None)
    phone = best("TEL")
    title = best("TITLE")
    organizations = [
        (_plain(_fields(line.value)[0]).strip(), title) for line in lines if line.name == "ORG"
    ]
    return VCard(
        name=best("FN") or (_of_parts(family_first) if family_first else None),
        email=_without(best("EMAIL"), "mailto:"),
        phone=_without(phone, "tel:"),
        language=best("LANG"),
        uid=best("UID"),
        organizations=tuple(one for one in organizations if one[0]),
    )


def _without(value: str | None, scheme: str) -> str | None:
    return value.removeprefix(scheme) if value is not None else None


def _fields(value: str) -> list[str]:
    return re.split(r"(?<!\\);", value)


def _of_parts(value: str) -> str | None:
    family, given, *_ = [*map(_plain, _fields(value)), "", ""]
    family, given = family.strip(), given.strip()
    if HANGUL.search(family + given) or HAN.search(family + given):
        return family + given or None
    return " ".join(part for part in (given, family) if part) or None


def _plain(value: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def write(cards: Iterable[VCard]) -> str:
    """Return the people as one file of vCards 4.0."""
    lines = [line for card in cards for line in _written(card)]
    return "".join(f"{folded}\r\n" for line in lines for folded in _folded(line))


def _written(card: VCard) -> Iterator[str]:
    yield "BEGIN:VCARD"
    yield "VERSION:4.0"
    if card.uid:
        yield f"UID;VALUE=text:{_escaped(card.uid)}"
    yield f"FN:{_escaped(card.name or '')}"
    if card.email:
        yield f"EMAIL:{_escaped(card.email)}"
    if card.phone:
        yield f"TEL;VALUE=text:{_escaped(card.phone)}"
    if card.language:
        yield f"LANG:{_escaped(card.language)}"
    for name, title in card.organizations:
        yield f"ORG:{_escaped(name)}"
        if title:
            yield f"TITLE:{_escaped(title)}"
    yield "END:VCARD"


def _escaped(value: str) -> str:
    for sign in ("\\", ",", ";"):
        value = value.replace(sign, f"\\{sign}")
    return "\\n".join(value.splitlines())


def _folded(line: str) -> Iterator[str]:
    part, octets = "", 0
    for sign in line:
        size = len(sign.encode("utf-8", errors="replace"))
        if octets + size > OCTETS_MAX:
            yield part
            part, octets = " ", 1
        part, octets = part + sign, octets + size
    yield part
