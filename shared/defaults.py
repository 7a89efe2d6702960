"""The rules and numbers a company may choose: one readable TOML file per deployment.

Each domain declares its section; what the file leaves out keeps the value written there in code.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import SellersError, causes

S = TypeVar("S", bound="Section")


class Section(BaseModel):
    """One domain's part of the file. Every field has a default, and a description for people.

    A value is one of TOML's: text, a number, true or false, a list, or a table of those.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


class DefaultsError(SellersError):
    """The file cannot be used as it is; says the file, the section, the field and the cause."""


def read(path: Path | None, sections: Mapping[str, type[Section]]) -> dict[str, Section]:
    """Return every section as this deployment has it; without a file, as it is in code.

    Raises:
        DefaultsError: naming everything that is wrong, not only the first.

    """
    told = {} if path is None else _parsed(path)
    wrong = [
        f"{name}: there is no such section; there are {', '.join(sorted(sections))}"
        for name in told.keys() - sections.keys()
    ]
    found: dict[str, Section] = {}
    for name, section in sections.items():
        try:
            found[name] = section.model_validate(told.get(name, {}))
        except ValidationError as error:
            wrong += [f"{'.'.join((name, *place))}: {why}" for place, why in causes(error)]
    if wrong:
        raise DefaultsError("; ".join(f"{path}: {what}" for what in sorted(wrong)))
    return found


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DefaultsError(f"{path}: {error}") from error


def document(sections: Mapping[str, type[Section]]) -> str:
    """Return the whole file with the values of the code, each under what it means."""
    parts = []
    for name, section in sections.items():
        if not section.model_fields:
            continue
        fields = [
            f"# {field.description}\n{key} = {toml(getattr(section(), key))}\n"
            for key, field in section.model_fields.items()
        ]
        parts.append(f"[{name}]\n" + "".join(fields))
    return "\n".join(parts)


def toml(value: Any) -> str:
    """Write a value as TOML: tables inline, text in double quotes."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
        case list() | tuple():
            return f"[{', '.join(map(toml, value))}]"
        case BaseModel():
            return toml(value.model_dump(exclude_none=True))
        case dict():
            pairs = ", ".join(f"{toml(str(key))} = {toml(one)}" for key, one in value.items())
            return f"{{ {pairs} }}"
        case _:
            return str(value)
