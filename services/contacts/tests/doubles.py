"""A book with people entered twice, as people do it, and with strangers who only seem alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from services.contacts.matching import Known
from services.contacts.names import romanized


def _words(text: str) -> list[str]:
    return text.split()


KOREAN_FAMILIES = "김이박최정강조윤장임한오서신권황안송류홍"
KOREAN_SYLLABLES = "민준서연지훈현우도윤은수영진하성재승혜경동석태희"
JAPANESE = _words(
    "佐藤 鈴木 高橋 田中 渡辺 伊藤 山本 中村 小林 加藤 吉田 山田 佐々木 松本 井上 木村"
)
JAPANESE += _words(
    "清水 斎藤 林 山口 池田 阿部 橋本 石川 前田 藤田 後藤 岡田 村上 長谷川 近藤 石井"
)
JAPANESE_GIVEN = _words(
    "太郎 花子 健一 美咲 大輔 陽子 直樹 裕子 翔太 恵美 拓也 真由美 和也 智子 浩 誠"
)
JAPANESE_GIVEN += _words("久美子 達也 由美 哲也 香織 隆 愛 学 幸子 修 明美 剛 千春 亮 綾 聡")
KANA = _words(
    "さとう すずき たかはし たなか わたなべ いとう やまもと なかむら こばやし かとう よしだ"
)
KANA += _words(
    "やまだ ささき まつもと いのうえ きむら しみず さいとう やまぐち いけだ はしもと いしかわ"
)
KANA_GIVEN = _words(
    "たろう はなこ けんいち みさき だいすけ ようこ なおき ゆうこ しょうた えみ たくや"
)
KANA_GIVEN += _words(
    "まゆみ かずや ともこ ひろし まこと くみこ たつや ゆみ てつや かおり たかし あい"
)
LATIN = _words("Müller Schneider Fischer Weber Johnson Williams Garcia Martinez Anderson Thompson")
LATIN += _words(
    "Robinson Lefebvre Rossi Novak Eriksson O'Neil Dubois Moreau Hoffmann Richter Wagner"
)
LATIN += _words(
    "Kowalski Nguyen Petrov Silva Santos Jensen Larsen Virtanen Papadopoulos Walker Bennett"
)
LATIN_GIVEN = _words(
    "Daniel Maria Thomas Susanne Michael Jennifer Robert Claudia Andreas Katherine"
)
LATIN_GIVEN += _words(
    "Stephen Isabelle Matthew Francesca Patrick Oliver Charlotte Benjamin Victoria"
)
LATIN_GIVEN += _words(
    "Sebastian Alexandra Gregory Helena Dominic Beatrice Nathan Rebecca Vincent Ingrid"
)


@dataclass(frozen=True, slots=True)
class Book:
    """Entries by id, and the pairs of them that are one person."""

    entries: dict[str, Known]
    doubles: frozenset[tuple[str, str]]
    kinds: dict[tuple[str, str], str]


def person(random: Random, number: int) -> Known:
    """Somebody with a name of one script, working somewhere, with most of the details known."""
    company = f"company-{random.randint(1, 80)}"
    name, spelled = _name(random)
    local = f"{spelled}{random.choice(['', '', str(random.randint(1, 99))])}"
    email = f"{local}@{company.replace('company-', 'firm')}.example"
    phone = f"010-{random.randint(1000, 9999)}-{random.randint(1000, 9999)}"
    return Known(
        (name,),
        (email,) if random.random() < 0.85 else (),
        (phone,) if random.random() < 0.8 or number % 7 == 0 else (),
        (company,),
    )


def _name(random: Random) -> tuple[str, str]:
    match random.randrange(4):
        case 0:
            family = random.choice(KOREAN_FAMILIES)
            given = "".join(random.sample(KOREAN_SYLLABLES, 2))
            return family + given, f"{romanized(given)}.{romanized(family)}"
        case 1:
            family, given = random.choice(JAPANESE), random.choice(JAPANESE_GIVEN)
            return family + given, f"user{random.randint(10_000, 99_999)}"
        case 2:
            family, given = random.choice(KANA), random.choice(KANA_GIVEN)
            return f"{family} {given}", f"{romanized(given)}.{romanized(family)}"
        case _:
            family, given = random.choice(LATIN), random.choice(LATIN_GIVEN)
            return f"{given} {family}", f"{given}.{family}".replace("'", "").lower()


def typo(random: Random, known: Known) -> Known:
    name = known.names[0]
    place = random.randrange(1, len(name) - 1) if len(name) > 2 else 0
    if "가" <= name[place] <= "힣":
        code = ord(name[place]) - 0xAC00
        vowel = (code // 28 % 21 + 1) % 21
        wrong = chr(0xAC00 + code // 588 * 588 + vowel * 28 + code % 28)
        return replace(known, names=(name[:place] + wrong + name[place + 1 :],))
    swapped = name[:place] + name[place + 1 : place + 2] + name[place] + name[place + 2 :]
    dropped = name[:place] + name[place + 1 :]
    return replace(known, names=(random.choice([swapped, dropped]),))


def transposed(random: Random, known: Known) -> Known:
    words = known.names[0].split()
    name = (
        ", ".join(reversed(words))
        if len(words) > 1
        else known.names[0][:1] + " " + known.names[0][1:]
    )
    return replace(known, names=(name,))


def abbreviated(random: Random, known: Known) -> Known:
    words = known.names[0].split()
    if len(words) > 1 and words[0].isascii():
        return replace(known, names=(f"{words[0][0]}. {words[-1]}",))
    return replace(known, names=(f"{known.names[0]} 님",))


def other_script(random: Random, known: Known) -> Known:
    name = known.names[0]
    if "가" <= name[0] <= "힣":
        return replace(known, names=(f"{romanized(name[1:])} {romanized(name[0])}".title(),))
    return replace(known, names=(romanized(name).title(),))


def changed_company(random: Random, known: Known) -> Known:
    """Somebody who moved: the same mobile phone, or the same name before the new address."""
    firm = random.randint(100, 180)
    email = tuple(f"{one.partition('@')[0]}@firm{firm}.example" for one in known.emails)
    return replace(known, emails=email, companies=(f"company-{firm}",))


SLIPS: dict[str, Callable[[Random, Known], Known]] = {
    "typo": typo,
    "transposed": transposed,
    "abbreviated": abbreviated,
    "other script": other_script,
    "changed company": changed_company,
}


def book(seed: int, people: int) -> Book:
    """Return a book in which a third of the people were entered twice, each with its slip."""
    random = Random(seed)
    entries = {f"person-{number}": person(random, number) for number in range(people)}
    kinds: dict[tuple[str, str], str] = {}
    for number, (name, known) in enumerate(list(entries.items())):
        if number % 3:
            continue
        kind = random.choice(list(SLIPS))
        again = SLIPS[kind](random, known)
        # Who enters somebody a second time seldom knows everything.
        lost = random.random()
        if lost < 0.25 and again.emails and again.phones:
            again = replace(again, emails=())
        elif lost < 0.5 and again.phones and again.emails:
            again = replace(again, phones=())
        entries[f"person-x{number}"] = again
        kinds[name, f"person-x{number}"] = kind
    return Book(entries, frozenset(kinds), kinds)
