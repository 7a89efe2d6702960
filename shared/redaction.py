"""What no log line says, whoever wrote it: passwords, tokens, query strings, what was typed.

The last step before a line is written, over the whole line: a library's own message and the text
of an exception pass it like ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus

HIDDEN = "***"
# A shorter secret is a word of any line; and who has one that short has none.
SECRET_LENGTH_MIN = 4

# What a field, a header or a setting is called, from the telling word on. Every repetition has an
# end: a line is as long as whoever sent something made it.
_NAME = r"(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|authorization|cookie)[\w-]{0,30}"
# The line is JSON: no pattern goes beyond the text that it begins in.
_TEXT = r'(?:[^"\\]|\\.)'
# What a text within it holds that is JSON itself.
_INNER = r'(?:[^"\\]|\\\\(?:\\.|[^\\])|\\[^"\\])'
_NAMED = ("passw", "passphrase", "secret", "token", "api", "authorization", "cookie")
# What to look for, whatever its case, before a pattern is tried: most lines have none of it.
_PATTERNS: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = (
    # A field of the line, or of a document that it quotes, or of a query or a setting.
    (_NAMED, re.compile(rf'({_NAME}": ?"){_TEXT}*(")', re.IGNORECASE), rf"\1{HIDDEN}\2"),
    (_NAMED, re.compile(rf'({_NAME}\\": ?\\"){_INNER}*(\\")', re.IGNORECASE), rf"\1{HIDDEN}\2"),
    (_NAMED, re.compile(rf"({_NAME}=)[^\s&\"',;\\]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (
        ("bearer ", "basic "),
        re.compile(r"\b(bearer|basic) +[\w.~+/=-]{4,}", re.IGNORECASE),
        rf"\1 {HIDDEN}",
    ),
    # Who connects, and with what.
    (("@",), re.compile(r"://[^/@\s\"'\\]+@"), f"://{HIDDEN}@"),
    # What was asked for is as private as what was answered.
    (("?",), re.compile(r"(?<=[\w/])\?[\w.~%+-]+=[^\s\"'\\<>]*"), f"?{HIDDEN}"),
    # pydantic's words on what somebody sent.
    (
        ("input_value=",),
        re.compile(rf"input_value={_TEXT}{{0,200}}?(, input_type=)"),
        rf"input_value={HIDDEN}\1",
    ),
)


def redaction(secrets: Iterable[str] = ()) -> Callable[[str], str]:
    """Return what takes these secrets, and all that looks like one, out of a line."""
    known = {
        form
        for secret in secrets
        if len(secret) >= SECRET_LENGTH_MIN
        for form in (secret, quote(secret, safe=""), quote_plus(secret), _in_json(secret))
    }
    # The longest first: one may be a part of another.
    ours = re.compile("|".join(map(re.escape, sorted(known, key=len, reverse=True))) or r"(?!)")

    def redacted(line: str) -> str:
        line = ours.sub(HIDDEN, line)
        lower = line.lower()
        for marks, pattern, instead in _PATTERNS:
            if any(mark in lower for mark in marks):
                line = pattern.sub(instead, line)
        return line

    return redacted


def _in_json(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
