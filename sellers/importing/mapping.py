"""The mapping file: which columns of another CRM's export are what to us. Rule: data, no code.

It is checked as a whole before anything is read, and an error names the field.
"""

from __future__ import annotations

import codecs
import string
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from zoneinfo import available_timezones

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from sellers.importing.errors import MappingError
from shared.errors import causes

BUILT_IN = Path(__file__).parent / "mappings"
DEFAULT = BUILT_IN / "crm_sales.yaml"
INCIDENTS = BUILT_IN / "incidents.yaml"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Unlisted = Literal["leave_out", "register", "reject"]
# A day whose parts cannot be taken for one another: a format that loses one of them shows.
SAMPLE = date(2019, 11, 28)


class Part(BaseModel):
    """A part of the mapping. Unknown names are refused: a misspelt one must not be lost."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _short(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


class Column(Part):
    """A column of the export; `repairs` replaces values that are known to be mistaken."""

    column: Text
    repairs: dict[str, str] = {}


class Reference(Column):
    """A column that names a row of another file."""

    unlisted: Unlisted = "leave_out"


Col = Annotated[Column, BeforeValidator(_short)]
Ref = Annotated[Reference, BeforeValidator(_short)]


class Table(Part):
    """One file of the export. What it does not say itself holds as for all files."""

    file: Text
    encoding: str | None = None
    delimiter: str | None = None
    dates: str | None = None

    @field_validator("file")
    @classmethod
    def _in_the_directory(cls, name: str) -> str:
        if Path(name).name != name:
            raise ValueError("a file's name, without a directory")
        return name


class CompanyColumns(Part):
    name: Col
    parent: Ref | None = None
    sector: Col | None = None
    founded_year: Col | None = None
    revenue: Col | None = None
    employee_count: Col | None = None
    location: Col | None = None

    @field_validator("parent")
    @classmethod
    def _listed_here(cls, parent: Reference | None) -> Reference | None:
        if parent is not None and parent.unlisted == "register":
            raise ValueError(
                "companies are listed in this very file: `unlisted` is leave_out or reject"
            )
        return parent


class Companies(Table):
    columns: CompanyColumns
    revenue_unit: Text | None = None


class ProductColumns(Part):
    name: Col
    series: Col | None = None
    price: Col | None = None


class Products(Table):
    columns: ProductColumns


class SellerColumns(Part):
    name: Col
    manager: Col | None = None
    division: Col | None = None


class Sellers(Table):
    """`company` names the top of the unit tree, `team` how a manager's team is called."""

    columns: SellerColumns
    company: Text
    team: str = "Team {manager}"

    @field_validator("team")
    @classmethod
    def _names_the_manager(cls, template: str) -> str:
        try:
            parts = [part[1:] for part in string.Formatter().parse(template)]
        except ValueError as error:
            raise ValueError(f"{template!r}: {error}") from error
        if {part for part in parts if part[0] is not None} != {("manager", "", None)}:
            raise ValueError("a text with {manager} in it, and no other braces")
        return template


class OpportunityColumns(Part):
    key: Col
    stage: Col
    title: Col | None = None
    owner: Ref | None = None
    product: Ref | None = None
    company: Ref | None = None
    discovered_on: Col | None = None
    stage_on: Col | None = None
    closed_on: Col | None = None
    value: Col | None = None
    currency: Col | None = None


def _short_stage(value: Any) -> Any:
    return {"stage": value} if isinstance(value, str) else value


class StageMeaning(Part):
    """A stage of the export: our stage, and whether it is won or lost in it."""

    stage: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
    outcome: Literal["won", "lost"] | None = None

    @field_validator("stage")
    @classmethod
    def _no_outcome(cls, stage: str) -> str:
        if stage in {"Won", "Lost"}:
            raise ValueError(
                f"{stage} is an outcome: write {{ stage: ..., outcome: {stage.lower()} }} "
                "with the stage in which it was decided"
            )
        return stage


class Opportunities(Table):
    columns: OpportunityColumns
    stages: Annotated[
        dict[str, Annotated[StageMeaning, BeforeValidator(_short_stage)]], Field(min_length=1)
    ]

    @model_validator(mode="after")
    def _won_has_a_value(self) -> Self:
        won = any(meaning.outcome == "won" for meaning in self.stages.values())
        if won and self.columns.value is None:
            raise ValueError("a won opportunity has a value: columns.value is missing")
        return self


class Mapping(Part):
    """A whole export. Files that it does not have are left out here as well."""

    source: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,60}$")]
    encoding: str = "utf-8"
    delimiter: str = ","
    dates: str = "%Y-%m-%d"
    decimal_mark: Literal[".", ","] = "."
    thousands_mark: Literal["", ",", ".", " ", "'"] = ""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    companies: Companies | None = None
    products: Products | None = None
    sellers: Sellers | None = None
    opportunities: Opportunities | None = None

    @property
    def tables(self) -> dict[str, Table]:
        """The files in the order in which they are sent: what is named comes first."""
        listed = {
            "companies": self.companies,
            "products": self.products,
            "sellers": self.sellers,
            "opportunities": self.opportunities,
        }
        return {name: table for name, table in listed.items() if table is not None}

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if not self.tables:
            raise ValueError("none of companies, products, sellers, opportunities is mapped")
        written: list[tuple[str, Mapping | Table]] = [("", self)]
        written += [(f"{name}.", table) for name, table in self.tables.items()]
        for where, how in written:
            if how.encoding is not None:
                _check_encoding(f"{where}encoding", how.encoding)
            if how.delimiter is not None:
                _check_delimiter(f"{where}delimiter", how.delimiter)
            if how.dates is not None:
                _check_dates(f"{where}dates", how.dates)
        if self.thousands_mark == self.decimal_mark:
            raise ValueError(f"thousands_mark: {self.thousands_mark!r} is the decimal mark")
        names = [table.file for table in self.tables.values()]
        if len(set(names)) < len(names):
            raise ValueError(f"two tables have the same file: {', '.join(names)}")
        return self

    @model_validator(mode="after")
    def _references_lead_somewhere(self) -> Self:
        if self.opportunities is None:
            return self
        columns = self.opportunities.columns
        for name, reference, table in (
            ("owner", columns.owner, self.sellers),
            ("product", columns.product, self.products),
            ("company", columns.company, self.companies),
        ):
            if reference is not None and table is None and reference.unlisted != "register":
                raise ValueError(
                    f"opportunities.columns.{name}: no file lists these names; "
                    "say `unlisted: register` to take them as they come"
                )
        return self


def _check_encoding(where: str, name: str) -> None:
    try:
        codecs.lookup(name)
        "x".encode(name)
    except (LookupError, UnicodeError) as error:
        raise ValueError(f"{where}: {name!r} is no encoding of text") from error


def _check_delimiter(where: str, sign: str) -> None:
    if len(sign) != 1 or sign in '"\r\n':
        raise ValueError(f"{where}: {sign!r} is not one sign")


def _check_dates(where: str, form: str) -> None:
    try:
        read = datetime.strptime(SAMPLE.strftime(form), form).date()  # noqa: DTZ007 - a date
    except ValueError as error:
        raise ValueError(f"{where}: {form!r} is no date format: {error}") from error
    if read != SAMPLE:
        raise ValueError(f"{where}: {form!r} does not tell day, month and year")


class IncidentColumns(Part):
    """`status`, `at` and what follows them change from row to row; the rest is of the case.

    `closed_at` is when a case was settled, where that is another instant than the row's.
    """

    key: Col
    status: Col
    at: Col
    opened_at: Col
    closed_at: Col | None = None
    severity: Col | None = None
    kept: Col | None = None
    owner: Col | None = None
    person: Col | None = None
    category: Col | None = None


class Incidents(Part):
    """The log of a service desk: one row for each change of a case, the oldest first.

    `statuses` say what that desk's words mean; one that is not among them is nobody's word.
    `words` is what stands for the customer's, made of columns; `unknown` are the values that mean
    that the desk does not know.
    """

    source: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,60}$")]
    file: Text
    encoding: str = "utf-8"
    delimiter: str = ","
    instants: str = "%Y-%m-%d %H:%M"
    zone: str = "UTC"
    unknown: tuple[str, ...] = ("",)
    kind: Literal["complaint", "grievance", "objection", "advice", "survey"] = "complaint"
    words: Text
    columns: IncidentColumns
    statuses: Annotated[dict[str, Literal["open", "answered", "closed"]], Field(min_length=1)]
    severities: dict[str, Literal["low", "moderate", "high", "critical"]] = {}
    kept: dict[str, bool] = {}

    @field_validator("zone")
    @classmethod
    def _exists(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"{zone!r} is no IANA time zone")
        return zone

    @model_validator(mode="after")
    def _readable(self) -> Self:
        _check_encoding("encoding", self.encoding)
        _check_delimiter("delimiter", self.delimiter)
        _check_dates("instants", self.instants)
        try:
            list(string.Formatter().parse(self.words))
        except ValueError as error:
            raise ValueError(f"words: {self.words!r}: {error}") from error
        for name, values in (("severity", self.severities), ("kept", self.kept)):
            if getattr(self.columns, name) is not None and not values:
                raise ValueError(f"columns.{name}: what its values mean is missing")
        return self

    @property
    def worded(self) -> list[str]:
        """Return the columns that the words are made of."""
        return [name for _, name, _, _ in string.Formatter().parse(self.words) if name]


M = TypeVar("M", bound=Part)


def load_mapping(path: Path | None = None, *, source: str | None = None) -> Mapping:
    """Read the mapping file of an export; without a path the one for the CRM sales export.

    Raises:
        MappingError: naming the file and every field that is wrong.

    """
    return read_mapping(Mapping, path or DEFAULT, source)


def read_mapping(kind: type[M], path: Path, source: str | None = None) -> M:
    """Read a mapping file of this kind.

    Raises:
        MappingError: naming the file and every field that is wrong.

    """
    try:
        document = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise MappingError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeError, ValueError) as error:
        raise MappingError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise MappingError(f"{path}: not a mapping of names to values")
    if source is not None:
        document["source"] = source
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        found = [": ".join(filter(None, (".".join(at), why))) for at, why in causes(error)]
        raise MappingError(f"{path}: {'; '.join(found)}") from error
