"""Estimate trade elasticities from flows, tariffs and covariates."""

from collections.abc import Callable, Sequence

import polars as pl

from tradewedge import tidy
from tradewedge.codes import check_product, nearest
from tradewedge.errors import ConfigError
from tradewedge.estimation import inputs, sigma
from tradewedge.estimation.estimates import COEFFICIENTS, FITS, Estimates, frame
from tradewedge.estimation.formula import TARIFF, Formula, parse, usual
from tradewedge.estimation.inputs import GROUP, KEYS, PAIR, Inputs
from tradewedge.estimation.ppml import fit, pyfixest
from tradewedge.estimation.sample import samples

Notify = Callable[[str, int, int], None]
_DIMENSIONS = 2


def estimate(
    flows: pl.DataFrame | pl.LazyFrame,
    formula: str | None = None,
    *,
    tariffs: pl.DataFrame | pl.LazyFrame | None = None,
    covariates: pl.DataFrame | pl.LazyFrame | Sequence[pl.DataFrame | pl.LazyFrame] = (),
    by: int | Sequence[str] | None = None,
    cluster: str | Sequence[str] | None = None,
    values: str = "border",
    zeros: bool = True,
    home: bool = False,
    tariff_importers: Sequence[str] | None = None,
    significance: float = 0.01,
    progress: Notify | None = None,
) -> Estimates:
    """Estimate a gravity equation by PPML, product by product or for groups of them.

    Parameters
    ----------
    flows : frame
        year, product, exporter, importer, value, as far as the formula needs them; any other
        columns of numbers and codes that it names.
    formula : str, optional
        ``value ~ log(1 + tariff) + log(distance_km) | exporter^year + importer^year``; default: see
        :func:`tradewedge.estimation.formula.usual`.
    tariffs : frame, optional
        product, exporter ("*": everybody else), importer, rate (fraction), and optionally year and
        authority (several add up). A flow into an importer of the table that has no rate is free;
        importers that are not in it are left out, with a count.
    covariates : frame or sequence of frames, optional
        Numbers by any of product, year, exporter, importer.
    by : int, "product" or sequence of str, optional
        Digits of the HS codes that are estimated apart, every product, or the prefixes; default:
        all together.
        Products estimated together have one coefficient; give each its own fixed effects.
    cluster : str or sequence of str, optional
        One or two dimensions of the clusters of the standard errors, such as
        ``["exporter", "importer"]``; default ``"exporter^importer"``.
    values : {"border", "duty_paid"}
        Whether values are without the importer's duty. It decides what the coefficient means.
    zeros : bool
        Count pairs that do not trade as flows of zero.
    home : bool
        Keep domestic sales.
    tariff_importers : sequence of str, optional
        Importers whose tariffs are known in full, ("*",) for all; default: those in ``tariffs``.
    significance : float
        A coefficient of the tariff with a larger p-value is not used; 0.01 is what ProTEE takes.
    progress : callable, optional
        Called with what is being done, how much of it is done, and how much there is.

    Raises
    ------
    ConfigError
        For a formula or column that cannot be.
    DataError
        For tables that are not what they should be.
    BackendUnavailable
        Without pyfixest.
    """
    pyfixest()
    sigma.check_values(values)
    if not 0 < significance < 1:
        raise ConfigError(f"significance is between 0 and 1, not {significance:g}")
    given = tidy.collect(flows, "flows")
    listed = [covariates] if isinstance(covariates, pl.DataFrame | pl.LazyFrame) else covariates
    facts = [tidy.collect(table, "covariates") for table in listed]
    known = [*given.columns, *(name for fact in facts for name in fact.columns)]
    told = _formula(formula, given, known, tariffs is not None)
    dimensions = _clusters(cluster, told, given.columns)
    ready = _inputs(given, told, dimensions, facts, tariffs, by, zeros, home, tariff_importers)
    total = ready.flows[GROUP].n_unique()
    coefficients: list[tuple[object, ...]] = []
    fits: list[tuple[object, ...]] = []
    sigmas: list[tuple[object, ...]] = []
    for done, (product, rows, counts) in enumerate(samples(ready, told)):
        if progress is not None:
            progress("estimating", done, total)
        made = fit(rows, told, dimensions)
        after = (made.separated, made.singletons, made.rows, made.clusters)
        fits.append((product, *counts.values(), *after, made.converged, made.why_not))
        for term, entry in zip(told.terms, made.coefficients, strict=True):
            coefficients.append((product, *vars(entry).values()))
            if term == told.tariff:
                sigmas.append(sigma.row(product, entry, made, values, significance))
    if progress is not None:
        progress("estimating", total, total)
    return Estimates(
        formula=told,
        cluster=dimensions,
        values=values,
        significance=significance,
        years=tuple(ready.flows["year"].unique().sort()) if "year" in ready.flows.columns else (),
        coefficients=frame(coefficients, COEFFICIENTS),
        fits=frame(fits, FITS),
        sigmas=None if told.tariff is None else frame(sigmas, sigma.SIGMAS),
        audit=ready.audit,
    )


def _formula(text: str | None, flows: pl.DataFrame, known: Sequence[str], tariffs: bool) -> Formula:
    """The formula that was asked for or fits, all of whose columns are known."""
    if text is None:
        years = flows["year"].n_unique() if "year" in flows.columns else 1
        made = usual(known, years, tariffs=tariffs or TARIFF in known)
    else:
        made = parse(text)
    there = [*known, TARIFF] if tariffs else list(known)
    for name in (*made.numbers, *made.keys):
        if name not in there:
            near = nearest(name, there)
            hint = "; give tariffs" if name == TARIFF else ""
            raise ConfigError(
                f"formula {made.text}: no table has the column {name!r}; nearest: "
                f"{', '.join(near) or 'none'}{hint}"
            )
    return made


def _clusters(
    given: str | Sequence[str] | None, formula: Formula, columns: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    if given is None and set(PAIR) <= set(columns):
        return (PAIR,)
    if given is None:
        return formula.effects[:1] or _no_cluster(columns)
    listed = [given] if isinstance(given, str) else list(given)
    made = tuple(tuple(part.strip() for part in text.split("^")) for text in listed)
    strange = [name for dimension in made for name in dimension if name not in columns]
    if strange or not 1 <= len(made) <= _DIMENSIONS:
        what = f"flows have no column {strange[0]!r}" if strange else f"{len(made)} dimensions"
        raise ConfigError(
            f"cluster: {what}; name one or two dimensions, each a column or several joined by ^, "
            f"such as exporter^importer. Columns are {', '.join(columns)}"
        )
    return made


def _no_cluster(columns: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    raise ConfigError(f"cluster: name the column that errors go together by: {', '.join(columns)}")


def _inputs(
    flows: pl.DataFrame,
    formula: Formula,
    cluster: tuple[tuple[str, ...], ...],
    facts: Sequence[pl.DataFrame],
    rates: pl.DataFrame | pl.LazyFrame | None,
    by: int | Sequence[str] | None,
    zeros: bool,
    home: bool,
    importers: Sequence[str] | None,
) -> Inputs:
    """Every table checked, with the columns that are needed."""
    numbers = [name for name in formula.numbers if name in flows.columns]
    if rates is not None and TARIFF in formula.numbers:
        numbers = [name for name in numbers if name != TARIFF]
        tariffs = inputs.read_tariffs(rates, importers)
        joined = {"product", *PAIR} | ({"year"} if None not in tariffs else set())
    else:
        tariffs, joined = None, set()
    if zeros:
        inputs.check_zeros(formula, numbers, cluster, flows.columns)
    wanted = {*formula.keys, *(name for dimension in cluster for name in dimension), *joined}
    held = [name for name in KEYS if name in flows.columns]
    keys = [*held, *sorted(wanted - set(held))]
    checked, audit = inputs.check_flows(
        flows, formula, _groups(by), keys, numbers, product=by is not None, home=home
    )
    outside = [name for name in formula.numbers if name not in numbers and name != TARIFF]
    covariates = []
    for number, fact in enumerate(facts, 1):
        where = "covariates" if len(facts) == 1 else f"covariates {number}"
        part = inputs.read_covariates(fact, held, outside, where)
        outside = [name for name in outside if name not in part.columns]
        covariates.append(part)
    return Inputs(checked, tariffs, tuple(covariates), zeros, audit)


def _groups(by: int | Sequence[str] | None) -> pl.Expr:
    """The prefix that a row's product belongs to."""
    product = pl.col("product")
    if by is None:
        return pl.lit("")
    if by == "product":
        return product
    if isinstance(by, int):
        if by not in (0, 2, 4, 6):
            raise ConfigError(f"by={by}: HS codes are told apart by 0, 2, 4 or 6 digits")
        return pl.when(product.str.len_chars() >= by).then(product.str.head(by))
    prefixes = [check_product(text, "by") for text in ([by] if isinstance(by, str) else by)]
    lengths = sorted({len(text) for text in prefixes}, reverse=True)
    return pl.coalesce(
        pl.when(product.str.head(n).is_in([p for p in prefixes if len(p) == n])).then(
            product.str.head(n)
        )
        for n in lengths
    )
