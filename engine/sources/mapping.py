"""A table with column names of its own, described in a YAML file instead of in code.

The description says which column is what, in which units and codes; docs/data.md has an example.
It stands wherever a table may stand, and names the file that it describes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

import polars as pl
import yaml

from tradewedge import codes
from tradewedge.errors import ConfigError
from tradewedge.sources.fields import NOT_REPORTED, country_type

SUFFIXES: Final = (".yaml", ".yml")
#: Factors to thousand USD, metric tons and fractions.
UNITS: Final = {
    "value": {"USD": 1e-3, "thousand USD": 1.0, "million USD": 1e3, "billion USD": 1e6},
    "quantity": {"kg": 1e-3, "t": 1.0, "thousand t": 1e3, "million t": 1e6, "g": 1e-6},
    "rate": {"fraction": 1.0, "percent": 1e-2},
}
NAMES: Final = "name"
#: National codes, below the six digits of the HS.
NATIONAL: Final = r"^(\d{8}|\d{10})$"
_PLACES: Final = ("exporter", "importer", "country")


@dataclass(frozen=True)
class Described:
    """A description, checked.

    Attributes
    ----------
    where : str
        The file it was read from, for messages.
    path : Path or None
        The table that it describes.
    columns : mapping
        Our name of a column -> the file's.
    constants : mapping
        Our name of a column -> the one value that all rows have.
    units : mapping
        "value", "quantity" or "rate" -> a key of :data:`UNITS`; default thousand USD, t, fraction.
    countries : str
        System of the country codes, as in ``tw.codes.crosswalk``, or "name".
    country_names : mapping
        What the file calls countries besides -> ISO3.
    vintage : str or None
        HS edition of the products; None: they are not HS codes.
    decimal : str
        "." or ","; the other one is dropped where it parts thousands.
    not_reported : tuple of str
        What else stands for "not there".
    leave_out : mapping
        The file's name of a column -> values whose rows are left out, with a count.
    aggregates : mapping
        Partners that stand for several countries, with ISO3 members.
    cut_to_six : bool
        Whether national codes of 8 or 10 digits are cut to six and their rows added up.
    add_up : bool
        Whether rows of the same flow are added up; otherwise they are an error.
    title : str
        What the data are.
    notes : tuple of str
        Sentences on the data, shown with the world.
    """

    where: str
    path: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    countries: str = "iso3"
    country_names: Mapping[str, str] = field(default_factory=dict)
    vintage: str | None = None
    decimal: str = "."
    not_reported: tuple[str, ...] = ()
    leave_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aggregates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cut_to_six: bool = False
    add_up: bool = False
    title: str = ""
    notes: tuple[str, ...] = ()

    def text(self, name: str) -> pl.Expr:
        """One of our columns as text without blanks around it; null where it is absent."""
        if name in self.constants:
            return pl.lit(self.constants[name])
        value = pl.col(self.columns[name]).str.strip_chars()
        # "NA" is a number that is not there, but also Namibia.
        usual = ("",) if name in _PLACES else NOT_REPORTED
        return pl.when(~value.is_in([*usual, *self.not_reported])).then(value)

    def has(self, name: str) -> bool:
        """Whether the table has one of our columns."""
        return name in self.columns or name in self.constants

    def with_columns(self, more: Mapping[str, str]) -> "Described":
        """The same with more columns."""
        return replace(self, columns={**self.columns, **more})

    def column(self, name: str) -> str:
        """What the file calls one of our columns."""
        return self.columns.get(name, name)

    def number(self, text: pl.Expr, name: str) -> pl.Expr:
        """What :meth:`text` gave as a number in our unit; null where absent or no number."""
        point, other = (r"\.", ",") if self.decimal == "." else (",", r"\.")
        value = text.str.replace_all(r"[\s\u00a0\u202f']", "")
        # 1,234.5 is a number, 1,23 is not: a point that parts thousands has three digits behind.
        parted = value.str.contains(rf"^[+-]?\d{{1,3}}({other}\d{{3}})+({point}\d+)?$")
        plain = pl.when(parted).then(value.str.replace_all(other, "")).otherwise(value)
        if self.decimal == ",":
            plain = pl.when(~plain.str.contains(".", literal=True)).then(
                plain.str.replace(",", ".", literal=True)
            )
        unit = self.units.get(name)
        return plain.cast(pl.Float64, strict=False) * (UNITS[name][unit] if unit else 1.0)

    def product(self, text: pl.Expr) -> pl.Expr:
        """What :meth:`text` gave, cut to six digits where the description says so."""
        if not self.cut_to_six:
            return text
        full = pl.when(text.str.contains(r"^(\d{7}|\d{9})$")).then("0" + text).otherwise(text)
        return pl.when(full.str.contains(NATIONAL)).then(full.str.head(6)).otherwise(full)

    def country(self, text: pl.Expr) -> pl.Expr:
        """What :meth:`text` gave as an ISO3 code or declared aggregate; null where unknown."""
        meaning = dict(_meanings(self.countries))
        meaning |= self.country_names
        meaning |= {code: code for code in self.aggregates}
        kind = pl.Enum(sorted({*country_type().categories, *meaning.values()}))
        return text.replace_strict(
            list(meaning), list(meaning.values()), default=None, return_dtype=kind
        )


def described(path: str | Path) -> Described:
    """Read a description.

    Raises
    ------
    ConfigError
        If it is not YAML, has an unknown key or a value that is not allowed.
    """
    place = Path(path)
    try:
        told = yaml.safe_load(place.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{place}: cannot be read: {error}") from error
    if not isinstance(told, dict):
        raise ConfigError(f"{place}: must hold keys and values, such as columns")
    known = [entry.name for entry in fields(Described) if entry.name != "where"]
    for key in told:
        if key not in known:
            near = codes.nearest(str(key), known)
            raise ConfigError(
                f"{place}: unknown key {key!r}; nearest: {', '.join(near) or 'none'}. Known are "
                f"{', '.join(known)}"
            )
    return _checked(place, told)


def _checked(place: Path, told: Mapping[str, Any]) -> Described:
    texts = {key: _texts(place, key, told.get(key)) for key in ("columns", "constants", "units")}
    for name, unit in texts["units"].items():
        allowed = UNITS.get(name, {})
        if unit not in allowed:
            raise ConfigError(
                f"{place}: units.{name} is {unit!r}; allowed are "
                f"{', '.join(allowed) or 'none: units has value, quantity and rate'}"
            )
    system = told.get("countries", "iso3")
    if system not in (*codes.SYSTEMS, NAMES):
        raise ConfigError(
            f"{place}: countries is {system!r}; it is one of {', '.join((*codes.SYSTEMS, NAMES))}"
        )
    decimal = told.get("decimal", ".")
    if decimal not in (".", ","):
        raise ConfigError(f'{place}: decimal is {decimal!r}; it is "." or ","')
    vintage = told.get("vintage")
    where = str(place)
    names = _texts(place, "country_names", told.get("country_names"))
    return Described(
        where=where,
        path=None if told.get("path") is None else place.parent / str(told["path"]),
        columns=texts["columns"],
        constants=texts["constants"],
        units=texts["units"],
        countries=system,
        country_names={
            text: codes.check_country(iso3, f"{where}: country_names.{text}")
            for text, iso3 in names.items()
        },
        vintage=None if vintage is None else codes.check_vintage(str(vintage)),
        decimal=decimal,
        not_reported=_list(place, "not_reported", told.get("not_reported")),
        leave_out=_lists(place, "leave_out", told.get("leave_out")),
        aggregates=_lists(place, "aggregates", told.get("aggregates")),
        cut_to_six=told.get("cut_to_six") is True,
        add_up=told.get("add_up") is True,
        title=str(told.get("title", "")),
        notes=_list(place, "notes", told.get("notes")),
    )


def _texts(place: Path, key: str, given: Any) -> dict[str, str]:
    """A mapping of text to text: YAML has eaten whatever is not."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise ConfigError(f"{place}: {key} must hold names and values")
    for name, value in given.items():
        if not isinstance(name, str) or not isinstance(value, str):
            shown = value if isinstance(name, str) else name
            raise ConfigError(
                f"{place}: {key}.{name}: {shown!r} is not text: write it in quotes, or YAML may "
                "turn 010121 into 4177 and NO into False"
            )
    return dict(given)


def _list(place: Path, key: str, given: Any) -> tuple[str, ...]:
    listed = [] if given is None else given if isinstance(given, list) else [given]
    if not all(isinstance(value, str) for value in listed):
        raise ConfigError(f"{place}: {key} takes text in quotes, not {given!r}")
    return tuple(listed)


def _lists(place: Path, key: str, given: Any) -> dict[str, tuple[str, ...]]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise ConfigError(f"{place}: {key} must hold names and lists")
    return {str(name): _list(place, f"{key}.{name}", value) for name, value in given.items()}


def _meanings(system: str) -> Sequence[tuple[str, str]]:
    """Every spelling of a country in a system, and its ISO3 code."""
    if system == NAMES:
        return codes.countries().select("name", "iso3").rows()
    pairs = codes.crosswalk(system).select("code", "iso3").rows()
    return [*((code.lstrip("0") or "0", iso3) for code, iso3 in pairs), *pairs]
