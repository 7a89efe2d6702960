"""Writes the table of docs/access.md: every route, and how far each role reaches there.

`python -m sellers.matrix` (`make access`). The rules are the source; a test fails while the page
differs from them, and another one tries every cell of the page.
"""

from __future__ import annotations

from pathlib import Path

from sellers.catalogue import write
from sellers.node import rules
from shared.access.roles import PERMISSIONS, ROLES, Role, Scope
from shared.access.rules import PUBLIC, Rule

PAGE = Path(__file__).parent.parent / "docs" / "access.md"
BEGIN, END = "<!-- from here on written by `make access` -->", "<!-- up to here -->"
NOBODY, EVERYBODY = "no", "everybody"


def cell(rule: Rule, role: Role) -> str:
    """Return how far a role reaches on a route."""
    if rule.permission == PUBLIC:
        return EVERYBODY
    scope = PERMISSIONS[rule.permission].reach.get(role, Scope.NONE)
    return NOBODY if scope == Scope.NONE else scope.name.lower()


def permissions() -> list[str]:
    """Return the table of matters."""
    lines = ["| permission | lets one | " + " | ".join(ROLES) + " |"]
    lines.append("|---" * (2 + len(ROLES)) + "|")
    for name, permission in PERMISSIONS.items():
        cells = [cell(Rule(name), role) for role in ROLES]
        lines.append(f"| `{name}` | {permission.says} | " + " | ".join(cells) + " |")
    return lines


def routes() -> list[str]:
    """Return the table of routes."""
    lines = ["| route | permission | whose | " + " | ".join(ROLES) + " |"]
    lines.append("|---" * (3 + len(ROLES)) + "|")
    for route, rule in sorted(rules().items(), key=lambda item: item[0].split(" ")[::-1]):
        whose = ", ".join(map(str, rule.whose))
        cells = [cell(rule, role) for role in ROLES]
        lines.append(f"| `{route}` | {rule.permission} | {whose} | " + " | ".join(cells) + " |")
    return lines


def written(page: str) -> str:
    """Return the page with its tables as the rules are."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    head, tail = "### Matters", "### Routes"
    tables = [head, "", *permissions(), "", tail, "", *routes()]
    return "\n".join([f"{before}{BEGIN}", "", *tables, "", f"{END}{after}"])


def main() -> None:
    """Write the page, where it is not yet the same."""
    write(PAGE, written(PAGE.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
