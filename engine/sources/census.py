"""US imports for consumption by HS10 line and partner, with the duty that was charged.

What the Census Bureau's API (``timeseries/intltrade/imports/hs``) answers, as JSON or csv, or the
same columns in Parquet. Customs values and duties are USD; the first quantity counts where it is
in kilograms or tons. The European Union is one partner there (0003) besides its members.

Source: https://www.census.gov/foreign-trade. Public domain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.codes import VINTAGES, check_vintage, known_products
from tradewedge.errors import ConfigError
from tradewedge.sources import fields, files
from tradewedge.sources.files import Table
from tradewedge.sources.tally import MADE, Rule, Sifted, audit_frame, collect, exact, sift
from tradewedge.sources.trade import (
    DUTY,
    FLOWS,
    Trade,
    added_up,
    gather,
    reject_duplicates,
    without_union,
)

IMPORTER: Final = "USA"
_EU: Final = "0003"
#: What the columns are called: by the API, and in files made of its answers.
_NAMES: Final = {
    "partner": ("CTY_CODE", "cty_code"),
    "line": ("I_COMMODITY", "hs10", "COMMODITY"),
    "value": ("CON_VAL_YR", "CON_VAL_MO", "customs_value_usd"),
    "duty": ("CAL_DUT_YR", "CAL_DUT_MO", "calculated_duty_usd"),
    "amount": ("CON_QY1_YR", "CON_QY1_MO"),
    "unit": ("UNIT_QY1",),
    "year": ("YEAR", "time", "year"),
    "month": ("MONTH",),
    "level": ("SUMMARY_LVL",),
    "provision": ("RP",),
    "district": ("DISTRICT",),
}
_TONS: Final = {"KG": 1e-3, "T": 1.0, "MT": 1.0}
_COLUMNS: Final = ("year", "line", "product", "exporter", "importer", "value", "quantity", "duty")
_LINE: Final = ("year", "line", "exporter", "importer")
#: Year in which the United States took each HS edition into use.
_FIRST_YEARS: Final = dict(zip((1989, 1996, 2002, 2007, 2012, 2017, 2022), VINTAGES, strict=True))


@dataclass(frozen=True)
class Options:
    """What the user may say about Census files.

    Attributes
    ----------
    vintage : str or None
        HS edition of the lines; default: that in use in the year.
    duties : bool
        Whether the duty charged, over the value, is the world's baseline tariff.
    """

    vintage: str | None = None
    duties: bool = True


def read(path: str | Path, years: Sequence[int] | None, options: Options = Options()) -> Trade:
    """Read Census imports; arguments and errors as in :func:`tradewedge.sources.baci.read`.

    The audit has a step for the values and one for the duties of each file.
    """
    with files.opened(path, r"\.(csv|txt|json|parquet)$") as tables:
        parts = [_read(table, years, options) for table in tables]
    flows, audit = gather([Sifted(frame, audit) for frame, audit, _ in parts], str(path), years)
    vintage = options.vintage or _edition(max(flows["year"].unique()))
    return Trade(
        flows=flows if options.duties else flows.select(FLOWS),
        audit=audit,
        vintage=check_vintage(vintage),
        title="US imports for consumption, US Census Bureau",
        notes=(
            "US imports only: trade of other countries, and what the United States make, are not "
            "in these data.",
        ),
        tariff_importers=(IMPORTER,) if options.duties else None,
        observed_importers=(IMPORTER,),
        aggregates={name: members for _, _, held in parts for name, members in held.items()},
    )


def line_values(path: str | Path, years: Sequence[int] | None) -> pl.DataFrame:
    """Imports by eight-digit line, to weigh rates with: line, value (thousand USD)."""
    with files.opened(path, r"\.(csv|txt|json|parquet)$") as tables:
        parts = [_sifted(table, years, Options())[0] for table in tables]
    rows = pl.concat([part.frame for part in parts])
    return rows.group_by(pl.col("line").str.head(8)).agg(pl.col("value").sum()).sort("line")


def _edition(year: int) -> str:
    return next(name for first, name in reversed(_FIRST_YEARS.items()) if year >= first)


def _read(
    table: Table, years: Sequence[int] | None, options: Options
) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, tuple[str, ...]]]:
    """Flows with their duty, the audit, and the aggregates among the partners."""
    done, duties = _sifted(table, years, options)
    reject_duplicates(done.frame, table.name, _LINE)
    done, held = without_union(done, table.file)
    duties, _ = without_union(duties, f"{table.file}: duties", "duty")
    charged = f"{DUTY}calculated duty"
    made = added_up(done.frame.rename({"duty": charged}))
    ends = [
        (table.file, MADE, *exact(made)),
        (f"{table.file}: duties", MADE, *exact(made, charged)),
    ]
    audits = [done.audit, audit_frame(ends[:1]), duties.audit, audit_frame(ends[1:])]
    return made, pl.concat(audits), held


def _sifted(table: Table, years: Sequence[int] | None, options: Options) -> tuple[Sifted, Sifted]:
    """The lines, with the audit of their values and that of their duties."""
    at = {
        name: next((column for column in columns if column in table.columns), None)
        for name, columns in _NAMES.items()
    }
    table.require(
        [_NAMES[name][0] for name in ("partner", "line", "value", "duty") if at[name] is None],
        "an answer of the Census imports API with partner, line, value and calculated duty",
    )
    year = at["year"]
    if year is None and (years is None or len(years) != 1):
        raise ConfigError(f"{table.name}: no column tells the year; say it, as years=[2024]")
    vintage = options.vintage or _edition(max(years) if years else 9999)
    line, partner = str(at["line"]), str(at["partner"])
    number = _whole(line)

    def prepare(scan: pl.LazyFrame) -> pl.LazyFrame:
        when = fields.text(year).str.head(4) if year else pl.lit(str((years or [0])[0]))
        code = pl.when(fields.text(partner) == _EU).then(pl.lit("EU27"))
        place = code.otherwise(fields.country(fields.text(partner), "census").cast(pl.String))
        tons = (
            fields.text(str(at["unit"])).replace_strict(_TONS, default=None) if at["unit"] else None
        )
        known = at["amount"] is not None and tons is not None
        return scan.with_columns(
            year=when.cast(pl.Int16, strict=False),
            line=number,
            product=number.str.head(6).cast(fields.product_type(vintage), strict=False),
            exporter=place.cast(fields.country_type()),
            importer=pl.lit(IMPORTER, fields.country_type()),
            value=fields.number(str(at["value"])) / 1000,
            duty=fields.number(str(at["duty"])) / 1000,
            quantity=fields.number(str(at["amount"])) * tons if known else pl.lit(None, pl.Float64),
        )

    rules = _rules(table, at, vintage, years)
    values, duties = (
        sift(
            table,
            prepare,
            rules,
            _COLUMNS,
            step=f"{table.file}{text}",
            notes=[Rule("a leading zero of the code put back", _has_lost_zero(line))],
            weight=weight,
        )
        for text, weight in (("", "value"), (": duties", "duty"))
    )
    return values, duties


def _has_lost_zero(line: str) -> pl.Expr:
    """Codes of all levels have an even number of digits."""
    return fields.text(line).str.contains(r"^\d(\d\d)+$")


def _whole(line: str) -> pl.Expr:
    """A line's code; a leading zero that a program took away is put back."""
    code = fields.text(line)
    return pl.when(_has_lost_zero(line)).then("0" + code).otherwise(code)


def _rules(
    table: Table, at: dict[str, str | None], vintage: str, years: Sequence[int] | None
) -> list[Rule]:
    line, partner, value, duty = (str(at[name]) for name in ("line", "partner", "value", "duty"))
    code, place = _whole(line), fields.text(partner)
    longest = table.scan().select(code.str.len_chars().max())
    digits = int(collect([longest], table)[0].item() or 0)
    rules = [
        Rule("is not a year", pl.col("year").is_null(), at["year"] or "year"),
        *([] if years is None else [Rule("another year", ~pl.col("year").is_in(list(years)))]),
    ]
    if value.endswith("_YR") and at["month"]:
        early = fields.text(at["month"]).str.zfill(2) != "12"
        rules.append(Rule("year to date before December", early))
    if at["level"]:
        rules.append(Rule("group of countries", fields.text(at["level"]) == "CGP"))
    for name in ("provision", "district"):
        if at[name]:
            rules.append(Rule("part of a total", fields.text(str(at[name])) != "-"))
    withheld = pl.col("product").is_null() & ~code.str.head(6).is_in(
        sorted(known_products(vintage))
    )
    return [
        *rules,
        Rule("total over partners, or a continent", place.str.contains("X") | (place == "-")),
        Rule("group of countries", place.str.starts_with("00") & (place != _EU)),
        Rule("is not a line of digits", ~code.str.contains(r"^\d{2,10}$"), line),
        Rule("sum over a chapter or heading", code.str.len_chars() < digits),
        Rule("chapters 98 and 99, special provisions", code.str.contains("^9[89]")),
        Rule(f"line withheld by Census: six digits not in {vintage}", withheld),
        Rule("is no partner of Census", pl.col("exporter").is_null(), partner),
        *fields.number_rules(value, "value"),
        *fields.number_rules(duty, "duty"),
        Rule("is a duty on no value", (pl.col("value") == 0) & (pl.col("duty") > 0), duty),
        Rule("value 0", pl.col("value") == 0),
    ]
