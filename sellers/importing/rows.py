"""Rows as commands that mirror them. Pure. Rule: create nothing that the export does not name."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sellers.importing.mapping import (
    Column,
    Companies,
    Mapping,
    Opportunities,
    Products,
    Reference,
    Sellers,
    StageMeaning,
    Table,
)
from sellers.importing.values import Cells, Names, RejectedError
from shared.clock import derived_id

TITLE_CHARS_MAX = 300
FOUNDED = range(1000, 2201)
HEADCOUNT = range(100_000_001)
KINDS = {"companies": "company", "products": "product", "sellers": "employee"}
DOMAINS = {
    "company": "contacts",
    "product": "opportunities",
    "employee": "organization",
    "unit": "organization",
    "opportunity": "opportunities",
}


@dataclass(frozen=True, slots=True)
class Mirrored:
    """One command: this is how the source says that one thing of ours stands."""

    domain: str
    stream: str
    origin: str
    command: dict[str, Any]
    # A row's own command; the others bring about what the row names besides.
    own: bool = True
    # What it asks for: to be as that system has it, or at least to be there.
    type: str = "mirror"


@dataclass(slots=True)
class Translator:
    """Knows the names that were listed so far; the files come in the mapping's order."""

    mapping: Mapping
    companies: Names = field(default_factory=Names)
    products: Names = field(default_factory=Names)
    sellers: Names = field(default_factory=Names)
    stages: Names = field(default_factory=Names)
    _managers: Names = field(default_factory=Names)
    _divisions: Names = field(default_factory=Names)
    _parents: dict[str, str] = field(default_factory=dict)
    _made: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.mapping.opportunities is not None:
            for name in self.mapping.opportunities.stages:
                self.stages.add(name, name)

    def names(self, table: str) -> Names:
        """Return the names that a table lists; opportunities are not named by anybody."""
        found: Names = getattr(self, table, Names())
        return found

    def stream(self, kind: str, *key: str) -> str:
        return f"{kind}-{derived_id(self.mapping.source, kind, *key)}"

    def key(self, table: Table, cells: Cells) -> str:
        """Return what tells a row from all others of its file."""
        return cells.needed(key_column(table))

    def commands(self, table: Table, key: str, cells: Cells) -> Iterator[Mirrored]:
        """Yield what one row says, its own command last.

        Raises:
            RejectedError: the row does not say anything that could be recorded.

        """
        match table:
            case Companies():
                yield self._company(table, key, cells)
            case Products():
                yield self._product(table, key, cells)
            case Sellers():
                yield from self._seller(table, key, cells)
            case Opportunities():
                yield from self._opportunity(table, key, cells)
            case _:
                raise AssertionError(table)

    def _mirrored(
        self, table: Table, kind: str, row: str, stream: str, /, *, own: bool = True, **told: Any
    ) -> Mirrored:
        command = {name: _plain(value) for name, value in told.items() if value is not None}
        origin = f"{self.mapping.source}/{table.file}#{row}"
        return Mirrored(DOMAINS[kind], stream, origin, command, own)

    def _company(self, table: Companies, key: str, cells: Cells) -> Mirrored:
        columns = table.columns
        revenue = cells.quantity(columns.revenue)
        return self._mirrored(
            table,
            "company",
            key,
            self.stream("company", key),
            name=key,
            stated_by=self.mapping.source,
            parent=self._parent(key, columns.parent, cells),
            sector=cells.described(columns.sector),
            founded_year=cells.whole(columns.founded_year, FOUNDED),
            revenue=revenue,
            revenue_unit=table.revenue_unit if revenue is not None else None,
            employee_count=cells.whole(columns.employee_count, HEADCOUNT),
            location=cells.described(columns.location),
        )

    def _parent(self, key: str, reference: Reference | None, cells: Cells) -> str | None:
        """Return the parent's stream, unless the company would stand above itself."""
        told = cells.text(reference)
        if reference is None or not told:
            return None
        name = self._listed(self.companies, reference, told, cells)
        if name is None:
            return None
        above: str | None = name
        while above is not None and above != key:
            above = self._parents.get(above)
        if above == key:
            cells.repaired(reference, told, "would put the company above itself; left out")
            return None
        self._parents[key] = name
        return self.companies.streams[name]

    def _product(self, table: Products, key: str, cells: Cells) -> Mirrored:
        price = cells.quantity(table.columns.price)
        return self._mirrored(
            table,
            "product",
            key,
            self.stream("product", key),
            name=key,
            series=cells.described(table.columns.series),
            price=price,
            currency=self.mapping.currency if price is not None else None,
        )

    def _seller(self, table: Sellers, key: str, cells: Cells) -> Iterator[Mirrored]:
        manager = _same(self._managers, table.columns.manager, cells)
        division = _same(self._divisions, table.columns.division, cells)
        unit = self.stream("unit", "company")
        yield from self._once(table, "company", unit, name=table.company, kind="company")
        if division is not None:
            parent, unit = unit, self.stream("unit", "division", division)
            row = f"division:{division}"
            yield from self._once(table, row, unit, name=division, kind="division", parent=parent)
        if manager is not None:
            # Two divisions under one manager are two teams.
            parent, unit = unit, self.stream("unit", "team", division or "", manager)
            leader = self.sellers.find(manager) or manager
            leads = self.stream("employee", leader)
            team = table.team.format(manager=leader)[:200]
            row = f"team:{division or ''}:{manager}"
            yield from self._once(
                table, row, unit, name=team, kind="team", parent=parent, manager=leads
            )
            if leader not in self.sellers.streams:
                yield from self._colleague(table, f"manager:{leader}", leader, unit)
        yield self._mirrored(
            table,
            "employee",
            key,
            self.stream("employee", key),
            name=key,
            unit=unit,
            function="seller",
        )

    def _once(self, table: Sellers, row: str, unit: str, **told: str) -> Iterator[Mirrored]:
        if unit not in self._made:
            self._made.add(unit)
            yield self._mirrored(table, "unit", f"unit:{row}", unit, own=False, **told)

    def _colleague(self, table: Sellers, row: str, name: str, unit: str) -> Iterator[Mirrored]:
        """A manager who is not listed as a seller belongs to the first team that names them."""
        stream = self.stream("employee", name)
        if stream not in self._made:
            self._made.add(stream)
            yield self._mirrored(
                table, "employee", row, stream, own=False, name=name, unit=unit, function="manager"
            )

    def _opportunity(self, table: Opportunities, key: str, cells: Cells) -> Iterator[Mirrored]:
        columns = table.columns
        meaning = self._stage(table, cells)
        discovered = cells.day(columns.discovered_on)
        entered = self._entered_on(columns.stage_on, discovered, cells)
        closed = self._closed_on(columns.closed_on, meaning, (discovered, entered), cells)
        value, currency = self._value(table, meaning, cells)
        named: dict[str, tuple[str | None, str | None]] = {}
        for kind, reference, names in (
            ("employee", columns.owner, self.sellers),
            ("product", columns.product, self.products),
            ("company", columns.company, self.companies),
        ):
            name = yield from self._named(table, kind, reference, names, cells)
            named[kind] = (name, names.streams[name] if name is not None else None)
        titled = [named["product"][0], named["company"][0]]
        title = cells.text(columns.title) or " · ".join(filter(None, titled)) or key
        yield self._mirrored(
            table,
            "opportunity",
            key,
            self.stream("opportunity", key),
            title=title[:TITLE_CHARS_MAX],
            stage=meaning.stage,
            outcome=meaning.outcome,
            owner=named["employee"][1],
            company=named["company"][1],
            product=named["product"][1],
            value=value,
            currency=currency,
            discovered_on=discovered,
            stage_on=entered,
            closed_on=closed,
            source_ref=key,
        )

    def _stage(self, table: Opportunities, cells: Cells) -> StageMeaning:
        column = table.columns.stage
        told = cells.needed(column)
        name = self.stages.find(told)
        if name is None:
            known = ", ".join(table.stages)
            raise RejectedError(column.column, told, f"is none of the mapping's stages: {known}")
        if name != told:
            cells.repaired(column, told, f"taken for {name!r}")
        return table.stages[name]

    def _entered_on(
        self, column: Column | None, discovered: date | None, cells: Cells
    ) -> date | None:
        entered = cells.day(column)
        if column is None or entered is None or discovered is None or entered >= discovered:
            return entered
        told = cells.text(column)
        raise RejectedError(column.column, told, f"is before it was discovered, {discovered}")

    def _closed_on(
        self,
        column: Column | None,
        meaning: StageMeaning,
        before: tuple[date | None, date | None],
        cells: Cells,
    ) -> date | None:
        closed = cells.day(column)
        if column is None or closed is None:
            return None
        told = cells.text(column)
        if meaning.outcome is None:
            cells.repaired(column, told, "an open opportunity has no closing date; left out")
            return None
        for earlier in before:
            if earlier is not None and closed < earlier:
                raise RejectedError(column.column, told, f"is before it was engaged, {earlier}")
        return closed

    def _value(
        self, table: Opportunities, meaning: StageMeaning, cells: Cells
    ) -> tuple[Decimal | None, str | None]:
        column = table.columns.value
        if column is None:
            return None, None
        if meaning.outcome != "won":
            told = cells.quantity(column)
            if told:
                cells.repaired(column, str(told), "only won opportunities have a value; left out")
            return None, None
        value = cells.amount(column)
        if value is None:
            raise RejectedError(column.column, "", "is empty, and a won opportunity has a value")
        return value, self._currency(table, cells)

    def _currency(self, table: Opportunities, cells: Cells) -> str:
        column = table.columns.currency
        code = cells.text(column).upper()
        if column is None or not code:
            return self.mapping.currency
        if not (len(code) == 3 and code.isascii() and code.isalpha()):  # noqa: PLR2004 - ISO 4217
            raise RejectedError(column.column, code, "is no currency like USD")
        return code

    def _named(
        self, table: Table, kind: str, reference: Reference | None, names: Names, cells: Cells
    ) -> Generator[Mirrored, None, str | None]:
        """Find what a cell names, or take it as new where the mapping says so."""
        told = cells.text(reference)
        if reference is None or not told:
            return None
        if reference.unlisted == "register" and names.find(told) is None:
            name = cells.needed(reference)
            stream = self.stream(kind, name)
            names.add(name, stream)
            who = {"stated_by": self.mapping.source} if kind == "company" else {}
            yield self._mirrored(table, kind, f"{kind}:{name}", stream, own=False, name=name, **who)
            return name
        return self._listed(names, reference, told, cells)

    def _listed(self, names: Names, reference: Reference, told: str, cells: Cells) -> str | None:
        name = names.find(told)
        if name is None and reference.unlisted == "reject":
            raise RejectedError(reference.column, told, "is not listed in its file")
        if name is None:
            cells.repaired(reference, told, "is not listed in its file; left out")
        elif name != told:
            cells.repaired(reference, told, f"taken for {name!r}")
        return name


def _same(names: Names, column: Column | None, cells: Cells) -> str | None:
    """Return a name that no file lists, as it was spelt the first time."""
    told = cells.described(column)
    if column is None or told is None:
        return None
    name = names.find(told)
    if name is None:
        names.add(told, "")
        return told
    if name != told:
        cells.repaired(column, told, f"taken for {name!r}")
    return name


def key_column(table: Table) -> Column:
    match table:
        case Opportunities(columns=columns):
            return columns.key
        case Companies(columns=columns) | Products(columns=columns) | Sellers(columns=columns):
            return columns.name
        case _:
            raise AssertionError(table)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else value
