"""What moves an outcome: its derivative in every tariff and elasticity at once."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge.codes import nearest
from tradewedge.errors import ConfigError, SolveError
from tradewedge.kernels.market import Status
from tradewedge.kernels.regimes import Kink
from tradewedge.outcomes.trade import nullable
from tradewedge.policy import Scenario
from tradewedge.policy.wedges import Owners
from tradewedge.result import Result
from tradewedge.solvedcase import Case, case_of
from tradewedge.solver import solve
from tradewedge.world import World

Kind = Literal["price_index", "imports", "revenue", "consumer_surplus", "welfare", "hhi"]
Parameter = Literal[
    "tariff",
    "sigma",
    "eta",
    "epsilon",
    "specific",
    "floor",
    "quota",
    "limit",
    "capacity",
    "strike",
]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Outcome:
    """A number that a scenario leads to, of one country.

    Attributes
    ----------
    kind : str
        "price_index": new over base; over several products, the mean by baseline spending.
        "imports": border value bought abroad, thousand USD. "revenue": duties and floor levies
        that its treasury takes, thousand USD.
        "consumer_surplus", "welfare": change against the data year, thousand USD, as in
        :meth:`Result.welfare` (``net``). "hhi": sum of squared shares of supplying countries in
        ``imports``, 0 to 1.
    country : str
    products : str or sequence of str, optional
        Over which it is summed, as the world names them. Default: all that the country buys or
        sells.

    Raises
    ------
    ConfigError
        For an unknown kind.
    """

    kind: Kind
    country: str
    products: Sequence[str] | None = None

    def __post_init__(self) -> None:
        _check_name("outcome", self.kind, get_args(Kind))
        if isinstance(self.products, str):
            object.__setattr__(self, "products", (self.products,))


def sensitivity(
    world: World,
    scenario: Scenario,
    outcome: Outcome,
    wrt: Sequence[Parameter] | Parameter | None = None,
    *,
    date: dt.date | str | None = None,
    backend: str = "auto",
    tolerance: float = 1e-12,
) -> pl.DataFrame:
    """Differentiate an outcome of a scenario; one solve, whatever the number of parameters.

    By the implicit function theorem (:mod:`tradewedge.kernels.jax_gradient`), with the limits
    that bind under the scenario: where one just begins to, there is no derivative. Everything but
    the parameter itself stays: eta, where it was made from sigma and a home share, does not move
    with sigma, and baseline shares stay those of the data year.

    Parameters
    ----------
    world : World
    scenario : Scenario
    outcome : Outcome
    wrt : optional, one or several of
        "tariff": the total ad valorem rate of every flow under the scenario. "sigma", "eta" of
        every product, "epsilon" of every exporter. "specific", "floor", "quota": of every flow
        that has one, in units of its baseline duty-paid price and quantity. "limit": on the
        quantity of a group of flows, over its baseline. "capacity", "strike": of every exporter
        that has one, over its baseline output and price. Default: all that there are.
    date, backend, tolerance :
        Of :func:`tradewedge.solve`, in the model "armington", without nests.

    Returns
    -------
    DataFrame
        outcome_value, parameter, product, exporter, importer (null where the parameter has none),
        measure (that set it; null for tariffs and elasticities), at (the parameter's value; null
        where a tariff is unknown and taken as 0), derivative (outcome's unit per unit of the
        parameter; null for an infinite epsilon). In the order of ``wrt``, then by product,
        exporter, importer.

    Raises
    ------
    ConfigError
        For an unknown outcome, country, product or parameter; a scenario with several branches; an
        outcome that the world cannot tell.
    SolveError
        If a product of the outcome did not converge, or a limit just begins to bind: then the
        derivatives on its two sides differ.
    """
    named = get_args(Parameter) if wrt is None else wrt
    wanted = (named,) if isinstance(named, str) else tuple(dict.fromkeys(named))
    if not isinstance(outcome, Outcome):
        raise ConfigError(f'outcome is a tw.Outcome such as Outcome("imports", "USA"): {outcome!r}')
    if not wanted:
        raise ConfigError("wrt names no parameter")
    for name in wanted:
        _check_name("parameter", name, get_args(Parameter))
    result = solve(world, scenario, date=date, backend=backend, tolerance=tolerance)
    if len(result.solutions) > 1:
        raise ConfigError(
            f"scenario {scenario.name!r} has {len(result.solutions)} branches: take one, "
            "scenario.branch(name)"
        )
    case = _solved(result, outcome)
    _check_answerable(result, outcome, case)
    if case.setting.regimes.kinks:
        raise SolveError(_told(case, scenario, case.setting.regimes.kinks))

    from tradewedge.kernels.jax_gradient import gradient
    from tradewedge.outcomegradients import outcome as value_of

    country = world.countries.index(outcome.country)
    value, slopes = gradient(
        case.setting,
        case.found,
        lambda at, theta: value_of(case, outcome.kind, country, at, theta),
    )
    made = pl.concat([_table(case, name, getattr(slopes, name)) for name in wanted])
    if made["derivative"].is_nan().any():
        raise SolveError(
            f"scenario {scenario.name!r}: its equilibrium is not locally unique, so "
            f"{outcome.kind} has no derivative"
        )
    return made.select(pl.lit(value).alias("outcome_value"), pl.all())


def _check_name(what: str, name: str, allowed: Sequence[str]) -> None:
    if name not in allowed:
        raise ConfigError(f"no {what} {name!r}: there are {', '.join(allowed)}")


def _solved(result: Result, outcome: Outcome) -> Case:
    world, solution = result.world, result.solutions[0]
    keep = _products(world, outcome)
    status = solution.status[keep]
    if (status != Status.CONVERGED).any():
        first = int(np.flatnonzero(keep)[np.argmax(status != Status.CONVERGED)])
        raise SolveError(
            f"product {world.products[first]} did not converge "
            f"({Status(solution.status[first]).name.lower()}): no derivative of {outcome.kind}"
        )
    return case_of(world, solution, keep)


def _products(world: World, outcome: Outcome) -> Bools:
    """Products that the outcome is summed over, [K]."""
    if outcome.country not in world.countries:
        near = nearest(outcome.country, world.countries)
        raise ConfigError(
            f"outcome: no country {outcome.country!r} in world {world.name!r}; nearest: "
            f"{', '.join(near) or 'none'}"
        )
    country = world.countries.index(outcome.country)
    keep = np.zeros(len(world.products), np.bool_)
    keep[world.importer_product[world.importer_country == country]] = True
    if outcome.kind == "welfare":
        keep[world.exporter_product[world.exporter_country == country]] = True
    if outcome.products is not None:
        unknown = sorted(set(outcome.products) - set(world.products))
        if unknown:
            near = nearest(unknown[0], world.products)
            raise ConfigError(
                f"outcome: no product {unknown[0]!r} in world {world.name!r}; nearest: "
                f"{', '.join(near) or 'none'}"
            )
        keep &= np.isin(np.array(world.products), list(outcome.products))
    if not keep.any():
        raise ConfigError(f"outcome: {outcome.country} trades none of these products")
    return keep


def _check_answerable(result: Result, outcome: Outcome, case: Case) -> None:
    """Refuse what :class:`Result` leaves empty."""
    world, admitted = case.world, case.setting.regimes.admitted
    country = world.countries.index(outcome.country)
    where = f"outcome {outcome.kind!r} of {outcome.country}"
    if outcome.kind in ("price_index", "imports", "hhi"):
        mine = world.flow_importer == country
        served = np.unique(world.flow_product[mine & admitted])
        lost = np.setdiff1d(np.unique(world.flow_product[mine]), served)
        if outcome.kind == "price_index" and lost.size:
            raise ConfigError(f"{where}: {world.products[lost[0]]} has no supplier left")
        if outcome.kind == "hhi" and not (mine & admitted & ~world.home).any():
            raise ConfigError(f"{where}: there are no imports")
        return
    column = "net" if outcome.kind == "welfare" else outcome.kind
    told = (
        result.welfare()
        .filter(pl.col("country") == outcome.country, pl.col("product").is_in(list(world.products)))
        .select("product", column)
        .filter(pl.col(column).is_null())
        .collect()
    )
    if told.height:
        raise ConfigError(
            f"{where}: the world cannot tell it for {told.height} product(s), such as "
            f"{told['product'][0]} ({column} is null in welfare()): {'; '.join(result.notes)}"
        )


def _told(case: Case, scenario: Scenario, kinks: tuple[Kink, ...]) -> str:
    """Say which limit just begins to bind."""
    world, kink = case.world, kinks[0]
    if kink.kind == "limit" and case.owners is not None:
        what = case.owners.groups[kink.row].label
    elif kink.kind in ("capacity", "contract"):
        row = kink.row
        exporter = world.countries[world.exporter_country[row]]
        what = f"the {kink.kind} of {exporter} for {world.products[world.exporter_product[row]]}"
    else:
        row = kink.row
        exporter = world.countries[world.flow_exporter[row]]
        importer = world.countries[world.flow_importer[row]]
        product = world.products[world.flow_product[row]]
        what = f"the {kink.kind} on {product} from {exporter} to {importer}"
    more = f", and so do {len(kinks) - 1} more" if len(kinks) > 1 else ""
    return (
        f"scenario {scenario.name!r}: {what} just begins to bind{more}: the derivatives on its two "
        "sides differ; move it a little to choose one"
    )


def _table(case: Case, name: str, slope: Floats) -> pl.DataFrame:
    """Derivatives in one kind of parameter."""
    world, given, owners = case.world, case.setting.given, case.owners
    flows, exporters = np.arange(world.value.size), np.arange(world.epsilon.size)
    if name == "tariff":
        at = np.where(world.tariff_known, case.setting.tariff, np.nan)
        return _of_flows(case, name, flows, at, slope)
    if name in ("sigma", "eta"):
        keys = {"product": world.product_column(np.arange(len(world.products)))}
        return _frame(name, keys, getattr(world, name), slope)
    if name == "epsilon":
        known = np.where(np.isfinite(world.epsilon), slope, np.nan)
        return _of_exporters(case, name, exporters, world.epsilon, known)
    if owners is None:
        return _frame(name, {"product": world.product_column(exporters[:0])}, slope[:0], slope[:0])
    if name == "limit":
        return _of_groups(case, owners, given.group_limit, slope)
    at = getattr(given, name)
    if name in ("specific", "floor", "quota"):
        rows = np.flatnonzero((at > 0) & np.isfinite(at))
        number = {"floor": owners.floor_measure, "quota": owners.quota_measure}.get(name)
        measure = None if number is None else number[rows]
        return _of_flows(case, name, rows, at[rows], slope[rows], measure)
    rows = np.flatnonzero((at > 0) & np.isfinite(at))
    number = owners.capacity_measure if name == "capacity" else owners.cfd_measure
    return _of_exporters(case, name, rows, at[rows], slope[rows], number[rows])


def _of_flows(
    case: Case, name: str, rows: Ints, at: Floats, slope: Floats, measure: Ints | None = None
) -> pl.DataFrame:
    keys = {key: column.gather(rows) for key, column in case.world.flow_keys().items()}
    return _frame(name, keys, at, slope, _labels(case, measure))


def _of_exporters(
    case: Case, name: str, rows: Ints, at: Floats, slope: Floats, measure: Ints | None = None
) -> pl.DataFrame:
    keys = {
        "product": case.world.product_column(case.world.exporter_product[rows]),
        "exporter": case.world.country_column(case.world.exporter_country[rows]),
    }
    return _frame(name, keys, at, slope, _labels(case, measure))


def _of_groups(case: Case, owners: Owners, at: Floats, slope: Floats) -> pl.DataFrame:
    """Limits by product; exporter and importer where all flows of a group share them."""
    world, given = case.world, case.setting.given
    first = given.group_flow[given.group_ptr[:-1]]
    nothing = pl.Series([None] * first.size, dtype=pl.String)
    keys = {"product": world.product_column(world.flow_product[first])}
    for side, of_flow in (("exporter", world.flow_exporter), ("importer", world.flow_importer)):
        codes = world.country_column(of_flow[first])
        shared = [group.per in (side, "pair") for group in owners.groups]
        keys[side] = codes.zip_with(pl.Series(shared, dtype=pl.Boolean), nothing)
    measure = np.array([group.measure for group in owners.groups], np.int64)
    made = _frame("limit", keys, at, slope, _labels(case, measure))
    return made.sort("product", "exporter", "importer", maintain_order=True)


def _labels(case: Case, measure: Ints | None) -> list[str] | None:
    return None if measure is None else [case.labels[number] for number in measure.tolist()]


def _frame(
    name: str,
    keys: dict[str, pl.Series],
    at: Floats,
    slope: Floats,
    labels: list[str] | None = None,
) -> pl.DataFrame:
    none = pl.lit(None, dtype=pl.String)
    frame = pl.DataFrame({**keys, "at": nullable(at), "derivative": nullable(slope)})
    measure = none if labels is None else pl.Series(labels, dtype=pl.String)
    return frame.select(
        pl.lit(name).alias("parameter"),
        "product",
        *(key if key in keys else none.alias(key) for key in ("exporter", "importer")),
        measure.alias("measure"),
        "at",
        "derivative",
    )
