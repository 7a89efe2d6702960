"""How a name, an address and a number are compared, in whatever script they were written. Pure.

A name is a few tokens without an order: families stand first in one country and last in another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise


def _words(text: str) -> list[str]:
    return text.split()


# A Korean name of one word is family and given name; longer ones are somebody's title.
KOREAN_LENGTH = range(2, 6)
GIVEN_LENGTH = range(2, 7)
FULL = 3
LOCAL_MIN, DIGITS = 5, 8

HANGUL, KANA, HAN = (re.compile(f"[{found}]") for found in ("가-힣", "ぁ-ゖァ-ヶー", "㐀-鿿々"))
_ACCENTS = re.compile("[\u0300-\u036f]")
_JOINED = re.compile(r"(?<=\w)[-'\u2019·.](?=\w)")
_WORD = re.compile(r"[^\W_]+")
# Forms of address are not part of a name.
_TITLES = frozenset(
    _words(
        "mr mrs ms miss dr prof sir 님 씨 さん 様 氏 사장 부사장 전무 상무 이사 부장 차장 과장 "
        "대리 사장님 전무님 상무님 이사님 부장님 차장님 과장님 대리님 社長 部長 課長"
    )
)
_LONG_FAMILIES = ("남궁", "황보", "제갈", "사공", "선우", "독고", "서문", "동방")
# Families as their bearers write them, where that is not the official romanization.
_FAMILIES = {
    "gim": "kim", "i": "lee", "yi": "lee", "rhee": "lee", "ri": "lee", "bak": "park", "pak": "park",
    "choe": "choi", "jeong": "jung", "chung": "jung", "gang": "kang", "jo": "cho", "yun": "yoon",
    "chang": "jang", "im": "lim", "o": "oh", "seo": "suh", "sin": "shin", "gwon": "kwon",
    "an": "ahn", "ryu": "yoo", "yu": "yoo", "go": "ko", "koh": "ko", "mun": "moon", "sohn": "son",
    "pae": "bae", "paik": "baek", "heo": "hur", "huh": "hur", "no": "noh", "roh": "noh",
    "ju": "joo", "u": "woo", "wu": "woo", "gu": "koo", "ku": "koo", "hwang": "hwang", "han": "han",
    "song": "song", "hong": "hong", "yang": "yang", "ha": "ha", "min": "min", "na": "na",
}  # fmt: skip
_KOREAN = frozenset(_FAMILIES.values())
# `Min Jun Kim`: Min is a family, too, but half of all people bear one of these.
_COMMON = frozenset(_words("kim lee park choi jung kang cho yoon jang lim"))
_INITIALS = ["g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k"]
_INITIALS += ["t", "p", "h"]
_VOWELS = _words("a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i")
_FINALS = ["", *_words("k k k n n n t l k m l l l p l m p p t t ng t t k t p t")]
_KANA = dict(
    zip(
        "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん"
        "がぎぐげござじずぜぞだぢづでどばびぶべぼぱぴぷぺぽゔ",
        _words(
            "a i u e o ka ki ku ke ko sa shi su se so ta chi tsu te to na ni nu ne no ha hi fu he "
            "ho ma mi mu me mo ya yu yo ra ri ru re ro wa o n ga gi gu ge go za ji zu ze zo da ji "
            "zu de do ba bi bu be bo pa pi pu pe po vu"
        ),
        strict=True,
    )
)
_SMALL = {"ゃ": "ya", "ゅ": "yu", "ょ": "yo", "ぁ": "a", "ぃ": "i", "ぅ": "u", "ぇ": "e", "ぉ": "o"}


def folded(text: str) -> str:
    """Return the text as it is compared: no case, no accents, no width; hiragana for katakana."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", plain))
    return "".join(
        chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in unicodedata.normalize("NFC", bare)
    )


@dataclass(frozen=True, slots=True)
class PersonName:
    """`tokens` in their own script, `latin` where the script says how to read them, sorted both."""

    tokens: tuple[str, ...]
    latin: tuple[str, ...] = ()

    @property
    def joined(self) -> str:
        return "".join(self.tokens)


@lru_cache(maxsize=65_536)
def parsed(name: str) -> PersonName:
    """Take a name apart: families of one script, titles and hyphens aside."""
    words = [word for word in _WORD.findall(_JOINED.sub("", folded(name))) if word not in _TITLES]
    tokens = [token for word in words for token in _families(word, alone=len(words) == 1)]
    if any(HAN.search(token) for token in tokens):
        return PersonName(tuple(tokens))
    latin = [_family(token) for token in map(romanized, tokens)]
    if not any(HANGUL.search(token) or KANA.search(token) for token in tokens):
        tokens = latin = _given_together(latin)
    return PersonName(tuple(sorted(tokens)), tuple(sorted(latin)))


def _families(word: str, *, alone: bool) -> Iterator[str]:
    """Part a Korean name written in one word into family and given name."""
    if not alone or not all(HANGUL.match(one) for one in word) or len(word) not in KOREAN_LENGTH:
        yield word
        return
    length = 2 if word.startswith(_LONG_FAMILIES) and word not in _LONG_FAMILIES else 1
    yield word[:length]
    yield word[length:]


def _family(token: str) -> str:
    return _FAMILIES.get(token, token)


def _given_together(tokens: list[str]) -> list[str]:
    """Take `Kim Min Jun` and `Min Jun Kim` for a family and one given name."""
    if len(tokens) != FULL or not all(len(token) in GIVEN_LENGTH for token in tokens):
        return tokens
    first, middle, last = tokens
    if first in _KOREAN and (last not in _KOREAN or first in _COMMON):
        return [first, middle + last]
    return [last, first + middle] if last in _KOREAN else tokens


@lru_cache(maxsize=65_536)
def romanized(word: str) -> str:
    """Return Hangul and kana in Latin letters; other letters as they are."""
    found: list[str] = []
    for one in word:
        if "가" <= one <= "힣":
            place = ord(one) - 0xAC00
            initial, vowel, final = place // 588, place // 28 % 21, place % 28
            found.append(_INITIALS[initial] + _VOWELS[vowel] + _FINALS[final])
        elif one in _SMALL and found:
            kept = found[-1][:-1]
            found[-1] = kept + (_SMALL[one][1:] if kept in ("sh", "ch", "j") else _SMALL[one])
        elif one not in "っー":
            found.append(_KANA.get(one, one))
    return "".join(found)


_SOUNDS = (
    ("tch", "ch"), ("ch", "j"), ("sh", "s"), ("ph", "p"), ("th", "t"), ("ck", "k"), ("kk", "k"),
    ("tt", "t"), ("pp", "p"), ("ss", "s"), ("jj", "j"), ("nn", "n"), ("mm", "m"), ("ll", "l"),
    ("g", "k"), ("c", "k"), ("d", "t"), ("b", "p"), ("r", "l"), ("z", "s"),
    ("yeo", "yu"), ("eo", "u"), ("eu", "u"), ("oo", "u"), ("ou", "u"), ("uu", "u"), ("ee", "i"),
    ("ae", "e"), ("ai", "e"), ("o", "u"), ("y", "i"), ("ii", "i"), ("iu", "u"),
)  # fmt: skip
_SILENT = re.compile(r"(?<=[aeiou])h(?![aeiou])")


@lru_cache(maxsize=65_536)
def sound(token: str) -> str:
    """Return how a token sounds, roughly: what people write differently, hearing the same."""
    heard = _SILENT.sub("", token)
    for written, said in _SOUNDS:
        heard = heard.replace(written, said)
    return "".join(a for a, b in pairwise(heard + " ") if a != b)


def distance(one: str, other: str, most: int = 2) -> int:
    """Return how many slips of a typist lie between two words (Damerau); `most` + 1: too many."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    above = list(range(len(other) + 1))
    for row, a in enumerate(one, start=1):
        here = [row]
        for column, b in enumerate(other, start=1):
            cost = min(above[column] + 1, here[-1] + 1, above[column - 1] + (a != b))
            swapped = row > 1 and column > 1 and a == other[column - 2] and one[row - 2] == b
            here.append(min(cost, before[column - 2] + 1) if swapped else cost)
        if min(here) > most:
            return most + 1
        before, above = above, here
    return min(above[-1], most + 1)


def orders_of(name: str) -> set[str]:
    """Return a name as it is, and with its last word first, as lists of people have it."""
    *first, last = name.split() or [name]
    rest = " ".join(first)
    return {name, f"{last} {rest}", f"{last}, {rest}"} if rest else {name}


def email_key(email: str) -> tuple[str, str]:
    """Return an address as (local part, domain): no case, and no `+tag` of the reader's own."""
    local, _, domain = folded(email).strip().rpartition("@")
    return local.partition("+")[0], domain


# Boxes that several people read: the same one says little about who wrote.
_SHARED = re.compile(r"(info|sales|contact|admin|office|support|hello|mail|help|team|hr)\d*")


def personal(local: str) -> bool:
    return len(local) >= LOCAL_MIN and not _SHARED.fullmatch(local)


def phone_key(phone: str) -> str | None:
    """Return the digits that a country's prefix does not change, or None: too few to tell."""
    digits = "".join(str(unicodedata.digit(c)) for c in phone if c.isdigit())
    return digits[-DIGITS:] if len(digits) >= DIGITS else None
