"""Trade in a table of the user's own: in our columns, or described by a YAML file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.codes import check_vintage
from tradewedge.errors import ConfigError
from tradewedge.sources import fields, files
from tradewedge.sources.files import Table
from tradewedge.sources.mapping import SUFFIXES, Described, described
from tradewedge.sources.tally import MADE, Rule, Sifted, audit_frame, exact, sift
from tradewedge.sources.trade import FLOWS, UNION, Trade, added_up, gather, without_union

_NEEDED: Final = ("product", "exporter", "importer", "value")
_HS6: Final = 6
_PLAIN: Final = ("year", *_NEEDED, "quantity")


@dataclass(frozen=True)
class Options:
    """What the user may say about a table.

    Attributes
    ----------
    mapping : str or None
        Path of a description; None: ``path`` is one, or the table has our columns.
    vintage : str or None
        HS edition of the codes, where no description tells it.
    """

    mapping: str | None = None
    vintage: str | None = None


def read(path: str | Path, years: Sequence[int] | None, options: Options = Options()) -> Trade:
    """Read a table of trade; arguments and errors as in :func:`tradewedge.sources.baci.read`."""
    about, place = _description(Path(path), options)
    with files.opened(place, r"\.(csv|txt|tsv|parquet)$") as tables:
        parts = [_read(table, about, years) for table in tables]
    flows, audit = gather([part for part, _ in parts], str(place), years)
    return Trade(
        flows=flows,
        audit=audit,
        vintage=about.vintage,
        title=about.title or f"table {place.name}",
        notes=about.notes,
        aggregates={
            **about.aggregates,
            **{name: members for _, held in parts for name, members in held.items()},
        },
    )


def _description(path: Path, options: Options) -> tuple[Described, Path]:
    if options.mapping is not None:
        about, place = described(options.mapping), path
    elif path.suffix.lower() in SUFFIXES:
        about = described(path)
        if about.path is None:
            raise ConfigError(f"{path}: says no path of the table that it describes")
        place = about.path
    else:
        about, place = Described(str(path)), path
    if options.vintage is not None:
        about = replace(about, vintage=check_vintage(options.vintage))
    return about, place


def _columns(table: Table, about: Described, years: Sequence[int] | None) -> Described:
    """The description with our own names where it is silent, and a year."""
    told = {
        str(name): str(name) for name in _PLAIN if not about.has(name) and name in table.columns
    }
    full = about.with_columns(told)
    missing = [name for name in _NEEDED if not full.has(name)]
    if missing and not about.columns:
        table.require(missing, "a table of trade in our columns; describe it in a YAML file")
    if missing:
        raise ConfigError(f"{about.where}: columns says nothing of {', '.join(missing)}")
    stated = [name for name in full.columns.values() if name not in table.columns]
    table.require([*stated, *full.leave_out], f"the table that {about.where} describes")
    if full.has("year"):
        return full
    if years is None or len(years) != 1:
        raise ConfigError(f"{table.name}: no column tells the year; say it, as years=[2023]")
    return replace(full, constants={**full.constants, "year": str(years[0])})


def _read(
    table: Table, about: Described, years: Sequence[int] | None
) -> tuple[Sifted, dict[str, tuple[str, ...]]]:
    about = _columns(table, about, years)
    held = [name for name in _PLAIN if about.has(name)]

    def prepare(scan: pl.LazyFrame) -> pl.LazyFrame:
        out = {f"_out{i}": fields.text(column) for i, column in enumerate(about.leave_out)}
        # As the file has them, under names that cannot be its own.
        stated = scan.select(**out, **{f"_{name}": about.text(name) for name in held})
        stated = stated.with_columns(
            _code=pl.col("_product"), _product=about.product(pl.col("_product"))
        )
        code = fields.product("_product") if about.vintage else pl.col("_product")
        return stated.with_columns(
            year=pl.col("_year").str.head(4).cast(pl.Int16, strict=False),
            product=code.cast(fields.product_type(about.vintage), strict=False),
            exporter=about.country(pl.col("_exporter")),
            importer=about.country(pl.col("_importer")),
            value=about.number(pl.col("_value"), "value"),
            quantity=about.number(pl.col("_quantity"), "quantity")
            if "quantity" in held
            else pl.lit(None).cast(pl.Float64),
        )

    rules = [
        *(
            Rule(f"{column} is {', '.join(values)}", pl.col(f"_out{i}").is_in(values))
            for i, (column, values) in enumerate(about.leave_out.items())
        ),
        Rule("is not a year", pl.col("year").is_null(), "_year"),
        *([] if years is None else [Rule("another year", ~pl.col("year").is_in(list(years)))]),
        *(
            fields.product_rules("_product", "product", about.vintage)
            if about.vintage
            else [Rule("is missing", pl.col("product").is_null(), "_product")]
        ),
        fields.no_world("exporter", "importer"),
        *(_country_rule(about, end) for end in ("exporter", "importer")),
        *_number_rules("value", about, needed=True),
        *(_number_rules("quantity", about, needed=False) if "quantity" in held else []),
        Rule("value 0", pl.col("value") == 0),
    ]
    named = [
        rule if rule.field is None else replace(rule, name=about.column(rule.field[1:]))
        for rule in rules
    ]
    notes = [fields.zero_restored("_product")] if about.vintage else []
    if about.cut_to_six:
        notes.append(
            Rule("national code cut to six digits", pl.col("_code").str.len_chars() > _HS6)
        )
    done = sift(table, prepare, named, FLOWS, step=table.file, notes=notes)
    if about.add_up or about.cut_to_six:
        done = _added_up(done, table.file)
    return without_union(done, table.file) if UNION not in about.aggregates else (done, {})


def _country_rule(about: Described, end: str) -> Rule:
    hint = (
        "Say in the description which codes these are (countries:), what a name means "
        "(country_names:), or which rows to leave out (leave_out:)"
    )
    text = "is no country code" if about.countries == "iso3" else f"is no {about.countries} of ours"
    return Rule(text, pl.col(end).is_null(), f"_{end}", hint)


def _number_rules(name: str, about: Described, *, needed: bool) -> list[Rule]:
    value, shown = pl.col(name), f"_{name}"
    absent = pl.col(shown).is_null()
    hint = 'What stands for "not there" goes to not_reported: ["-"] in the description'
    if about.decimal == ".":
        hint = f'A comma before the decimals? Say decimal: ",". {hint}'
    rules = [
        Rule("is not a number", value.is_null() & ~absent, shown, hint),
        Rule("is not finite", ~value.is_finite(), shown),
        Rule("is negative", value < 0, shown),
    ]
    return [Rule("is missing", absent, shown), *rules] if needed else rules


def _added_up(done: Sifted, step: str) -> Sifted:
    """Rows of the same flow together."""
    made = added_up(done.frame)
    return Sifted(made, pl.concat([done.audit, audit_frame([(step, MADE, *exact(made))])]))
