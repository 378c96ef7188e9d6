"""Tables of elasticities of the user's own: conventions, files, and gaps filled from a set.

sigma is the elasticity of substitution, of *tariff-exclusive* flows (docs/model.md). Published
numbers come in three conventions, which differ by 1 or by sign, and none can be told from the
number alone; a table says which it has by the name of its column:

=====================  ====================================================  ==============
``sigma``              elasticity of substitution, positive                  sigma
``theta``              trade elasticity of tariff-inclusive spending,        theta + 1
                       positive (Caliendo and Parro 2015; ICIO sets)
``tariff_elasticity``  elasticity of tariff-exclusive import value to        -elasticity
                       1 + tariff, negative (CEPII's ProTEE)
=====================  ====================================================  ==============

or row by row, as ``elasticity`` with the name in a column ``convention``.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge.codes import nearest
from tradewedge.errors import DataError
from tradewedge.sources import files
from tradewedge.sources.mapping import SUFFIXES
from tradewedge.sources.reading import read_table

#: Each elasticity and the column of a table that holds its standard error.
ERRORS: Final = {
    "sigma": "standard_error",
    "eta": "eta_standard_error",
    "epsilon": "epsilon_standard_error",
}
SIGMA, THETA, TARIFF_ELASTICITY = "sigma", "theta", "tariff_elasticity"
#: Convention -> (slope, intercept) of sigma in it, and what it is.
CONVENTIONS: Final = {
    SIGMA: (1.0, 0.0, "the elasticity of substitution, positive"),
    THETA: (1.0, 1.0, "sigma - 1, of tariff-inclusive spending, positive"),
    TARIFF_ELASTICITY: (
        -1.0,
        0.0,
        "the elasticity of tariff-exclusive value to 1 + tariff, negative, as in CEPII's ProTEE",
    ),
}
#: Source of a row that names none.
UNTOLD: Final = "user table"
_TABLES: Final = (".csv", ".tsv", ".txt", ".gz", ".zip", ".parquet")
_ELASTICITY: Final = "elasticity"
_CONVENTION: Final = "convention"
_ALLOWED: Final = "; ".join(f"{name} ({text})" for name, (_, _, text) in CONVENTIONS.items())
COLUMNS: Final = {
    "product": pl.String,
    "exporter": pl.String,
    **dict.fromkeys((*CONVENTIONS, _ELASTICITY), pl.Float64),
    _CONVENTION: pl.String,
    "eta": pl.Float64,
    "epsilon": pl.Float64,
    **dict.fromkeys(ERRORS.values(), pl.Float64),
    "source": pl.String,
}


def read_elasticities(path: str | Path) -> pl.DataFrame:
    """Read a table from a csv or Parquet file, or as a YAML file describes it.

    Raises
    ------
    DataError
        If it cannot be read, or has a column that means nothing here.
    ConfigError
        If a description is not valid.
    """
    place = Path(path)
    if not is_file_name(place):
        raise DataError(
            f"{place}: elasticities are read from .csv or .parquet, or as a .yaml describes them"
        )
    if place.suffix.lower() not in SUFFIXES:
        with files.opened(place, r"\.(csv|txt|tsv|parquet)$") as tables:
            strange = sorted({name for table in tables for name in table.columns} - set(COLUMNS))
        if strange:
            near = nearest(strange[0], COLUMNS)
            raise DataError(
                f"{place}: unknown column {', '.join(strange)}; nearest: "
                f"{', '.join(near) or 'none'}. Known are {', '.join(COLUMNS)}; other names can be "
                "described in a YAML file"
            )
    return read_table(place, COLUMNS, tuple(name for name in COLUMNS if name != "product"))


def is_file_name(named: str | Path) -> bool:
    """Whether this is the name of a table, not that of a set."""
    return Path(named).suffix.lower() in (*_TABLES, *SUFFIXES)


def as_sigma(frame: pl.DataFrame) -> pl.DataFrame:
    """The table with sigma, whichever convention its rows are in; others lose theirs.

    A row that was converted says so in its ``source``.

    Raises
    ------
    DataError
        If the convention is not declared, unknown, or not the one that the numbers have.
    """
    held = [name for name in (*CONVENTIONS, _ELASTICITY) if name in frame.columns]
    if _ELASTICITY in held:
        frame = _declared(frame)
    elif not held:
        raise DataError(
            f"elasticities: no column {SIGMA!r} (there are: {', '.join(frame.columns)}). The name "
            f"of the column declares what its numbers are: {_ALLOWED}"
        )
    held = [name for name in CONVENTIONS if name in frame.columns]
    try:
        frame = frame.with_columns(pl.col(name).cast(pl.Float64) for name in held)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"elasticities: {', '.join(held)} must be numbers: {error}") from error
    several = frame.filter(pl.sum_horizontal(pl.col(held).is_not_null().cast(pl.Int8)) > 1)
    if not several.is_empty():
        raise DataError(
            f"elasticities: product {several['product'][0]!r} has {' and '.join(held)}: give one"
        )
    for name in held:
        _check_sign(frame, name)
    if held == [SIGMA]:
        return frame
    values = (CONVENTIONS[name][0] * pl.col(name) + CONVENTIONS[name][1] for name in held)
    named = pl.col("source") if "source" in frame.columns else pl.lit(None, dtype=pl.String)
    notes = (
        pl.when(pl.col(name).is_not_null()).then(pl.lit(f", given as {name}"))
        for name in held
        if name != SIGMA
    )
    note = pl.coalesce(*notes, pl.lit(""))
    return frame.with_columns(
        pl.coalesce(*values).alias(SIGMA),
        source=named.fill_null(UNTOLD) + note,
    ).drop([name for name in held if name != SIGMA])


def _declared(frame: pl.DataFrame) -> pl.DataFrame:
    """``elasticity`` put into the columns that ``convention`` names."""
    if _CONVENTION not in frame.columns:
        raise DataError(
            f"elasticities: a column {_ELASTICITY!r} alone does not say which one it is: name it "
            f"after its convention, or add a column {_CONVENTION!r}. Conventions are {_ALLOWED}"
        )
    named = frame.filter(pl.col(_ELASTICITY).is_not_null())[_CONVENTION]
    strange = next((text for text in named if text not in CONVENTIONS), "")
    if strange != "":
        near = nearest(str(strange), CONVENTIONS)
        hint = f"; nearest: {', '.join(near)}" if near and strange is not None else ""
        raise DataError(
            f"elasticities: convention {strange!r} is not known{hint}. Conventions are {_ALLOWED}"
        )
    value = pl.col(_ELASTICITY)
    columns = {
        name: pl.when(pl.col(_CONVENTION) == name).then(value)
        for name in CONVENTIONS
        if (named == name).any()
    }
    given = {
        name: pl.coalesce(pl.col(name), column) if name in frame.columns else column
        for name, column in columns.items()
    }
    return frame.with_columns(**given).drop(_ELASTICITY, _CONVENTION)


def _check_sign(frame: pl.DataFrame, name: str) -> None:
    negative = name == TARIFF_ELASTICITY
    bad = frame.filter(pl.col(name) > 0 if negative else pl.col(name) < 0)
    if bad.is_empty():
        return
    hint = {
        SIGMA: "if these are elasticities of import value to the tariff, name the column "
        "tariff_elasticity",
        THETA: "1 - sigma is negative: theta is sigma - 1, so turn the sign",
        TARIFF_ELASTICITY: "trade that rises with its tariff has no sigma: leave the row out; or "
        "name the column sigma or theta if that is what it is",
    }[name]
    raise DataError(
        f"elasticities: {name} is {'above' if negative else 'below'} 0 in {bad.height} row(s), "
        f"first for product {bad['product'][0]!r} ({bad[name][0]:g}); {name} is "
        f"{CONVENTIONS[name][2]}; {hint}"
    )


def completed(table: pl.DataFrame, base: pl.DataFrame) -> pl.DataFrame:
    """A table whose gaps are filled from another; what it says counts for all codes below.

    A row for ``2846`` in ``table`` replaces sigma of every row ``2846..`` of ``base``, and leaves
    their eta and epsilon.

    Parameters
    ----------
    table, base : DataFrame
        product, any of sigma, eta, epsilon, their standard errors, source; without exporters.

    Returns
    -------
    DataFrame
        product, sigma, eta, epsilon, source, standard errors as there are; sorted by product.
    """
    columns = [name for pair in ERRORS.items() for name in pair]
    held = [n for n in columns if n in table.columns or n in base.columns]
    parts = []
    for frame in (table, base):
        missing = [pl.lit(None, dtype=pl.Float64).alias(n) for n in held if n not in frame.columns]
        parts.append(frame.with_columns(missing).select("product", *held, "source"))
    own, other = parts
    for name, error in ERRORS.items():
        if name not in held:
            continue
        under = _under(own.filter(pl.col(name).is_not_null())["product"])
        gone = [pl.when(~under).then(pl.col(n)).alias(n) for n in (name, error) if n in held]
        other = other.with_columns(gone)
    values = [name for name in ERRORS if name in held]
    other = other.filter(~pl.all_horizontal(pl.col(values).is_null()))
    both = own.join(other, on="product", how="full", coalesce=True, suffix="_other")
    texts = [joined(_sources(row, values)) for row in both.iter_rows(named=True)]
    filled = (pl.coalesce(name, f"{name}_other").alias(name) for name in held)
    made = both.with_columns(*filled, source=pl.Series(texts, dtype=pl.String))
    order = ["product", *values, "source", *(e for e in ERRORS.values() if e in held)]
    return made.select(order).sort("product")


def _under(prefixes: pl.Series) -> pl.Expr:
    """Whether a product is one of the prefixes, or below one."""
    product = pl.col("product")
    lengths = prefixes.str.len_chars().unique().to_list()
    return pl.any_horizontal(
        pl.lit(value=False),
        *(
            product.str.head(n).is_in(prefixes.filter(prefixes.str.len_chars() == n).implode())
            for n in lengths
        ),
    )


def _sources(row: Mapping[str, object], names: Sequence[str]) -> dict[str, str]:
    """Where a joined row has each of its numbers from."""
    found = {}
    for name in names:
        suffix = next((s for s in ("", "_other") if row[f"{name}{s}"] is not None), None)
        if suffix is not None:
            found[name] = told(str(row[f"source{suffix}"] or UNTOLD), name)
    return found


_PART: Final = re.compile(r"(?:^|; )(sigma|eta|epsilon): ")


def told(source: str, name: str) -> str:
    """Where one number is from, of a text that may say it for each: ``sigma: a; eta: b``.

    What stands before the first name holds for all of them.
    """
    before, *pieces = _PART.split(source)
    part = dict(zip(pieces[::2], pieces[1::2], strict=True)).get(name)
    return "; ".join(text for text in (before, part) if text)


def joined(texts: Mapping[str, str]) -> str:
    """One text of where each number is from; said once where it is the same."""
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"{name}: {text}" for name, text in texts.items())
