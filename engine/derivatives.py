"""What moves an outcome: its derivative in every tariff and elasticity at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge.codes import nearest
from tradewedge.errors import ConfigError, SolveError
from tradewedge.kernels.market import Shock, Status
from tradewedge.outcomes.trade import nullable
from tradewedge.policy import Scenario, shock
from tradewedge.result import Result
from tradewedge.solver import solve
from tradewedge.world import World

if TYPE_CHECKING:
    import jax

    from tradewedge.kernels.jax_gradient import Equilibrium, Parameters

Kind = Literal["price_index", "imports", "revenue", "consumer_surplus", "welfare", "hhi"]
Parameter = Literal["tariff", "sigma", "eta", "epsilon"]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Outcome:
    """A number that a scenario leads to, of one country.

    Attributes
    ----------
    kind : str
        "price_index": new over base; over several products, the mean by baseline spending.
        "imports": border value bought abroad, thousand USD. "revenue": of tariffs, thousand USD.
        "consumer_surplus", "welfare": change against the data year, thousand USD, as in
        :meth:`Result.welfare` (``net``). "hhi": sum of squared shares of supplying countries in
        ``imports``, 0 to 1.
    country : str
    products : sequence of str, optional
        Over which it is summed. Default: all that the country buys or sells.
    """

    kind: Kind
    country: str
    products: Sequence[str] | None = None


def sensitivity(
    world: World,
    scenario: Scenario,
    outcome: Outcome,
    wrt: Sequence[Parameter] | Parameter = ("tariff", "sigma", "eta", "epsilon"),
    *,
    backend: str = "auto",
    tolerance: float = 1e-12,
) -> pl.DataFrame:
    """Differentiate an outcome of a scenario; one solve, whatever the number of parameters.

    By the implicit function theorem (:mod:`tradewedge.kernels.jax_gradient`). Everything but the
    parameter itself stays: eta, where it was made from sigma and a home share, does not move with
    sigma, and baseline shares stay those of the data year.

    Parameters
    ----------
    world : World
    scenario : Scenario
        With constant ad valorem measures, exclusions and shifts only.
    outcome : Outcome
    wrt : {"tariff", "sigma", "eta", "epsilon"} or several
        The total ad valorem rate of every flow under the scenario; the elasticities of every
        product, epsilon of every exporter.
    backend, tolerance :
        Of :func:`tradewedge.solve`, in the model "armington".

    Returns
    -------
    DataFrame
        outcome_value, parameter, product, exporter (null for sigma and eta), importer (null but
        for tariffs), at (the parameter's value; null where a tariff is unknown and taken as 0),
        derivative (outcome's unit per unit of the parameter; null for an infinite epsilon). In
        the order of ``wrt``, then sorted by product, exporter, importer.

    Raises
    ------
    ConfigError
        For an unknown outcome, country, product or parameter; a scenario with floors, quotas or
        other instruments, or with several branches; an outcome that the world cannot tell.
    SolveError
        If a product of the outcome did not converge.
    """
    wanted = (wrt,) if isinstance(wrt, str) else tuple(wrt)
    _check_names(outcome, wanted)
    result = solve(world, scenario, backend=backend, tolerance=tolerance)
    if len(result.solutions) > 1:
        raise ConfigError(
            f"scenario {scenario.name!r} has {len(result.solutions)} branches: take one, "
            "scenario.branch(name)"
        )
    if result.solutions[0].wedges.instruments is not None:
        raise ConfigError(
            f"scenario {scenario.name!r} has floors, quotas or other instruments: sensitivity() "
            "takes constant ad valorem measures, exclusions and shifts only for now"
        )
    case = _cut(result, outcome)
    _check_answerable(result, outcome, case)

    from tradewedge.kernels.jax_gradient import gradient

    value, slopes = gradient(
        case.world.market,
        case.shock,
        case.tariff,
        case.log_price,
        lambda at, theta: _value(case, outcome, at, theta),
    )
    parts = [_table(case.world, case.tariff, name, getattr(slopes, name)) for name in wanted]
    made = pl.concat(parts)
    return made.select(pl.lit(value).alias("outcome_value"), pl.all())


@dataclass(frozen=True, eq=False)
class _Case:
    """A solved scenario, cut to the products of the outcome."""

    world: World
    shock: Shock
    tariff: Floats
    trade_cost: Floats
    export_tax: Floats
    log_price: Floats


def _check_names(outcome: Outcome, wrt: Sequence[str]) -> None:
    for what, name, allowed in (
        ("outcome", outcome.kind, get_args(Kind)),
        *(("parameter", name, get_args(Parameter)) for name in wrt),
    ):
        if name not in allowed:
            raise ConfigError(f"no {what} {name!r}: there are {', '.join(allowed)}")
    if not wrt:
        raise ConfigError("wrt names no parameter")


def _cut(result: Result, outcome: Outcome) -> _Case:
    world, solution = result.world, result.solutions[0]
    keep = _products(world, outcome)
    status = solution.status[keep]
    if (status != Status.CONVERGED).any():
        first = int(np.flatnonzero(keep)[np.argmax(status != Status.CONVERGED)])
        raise SolveError(
            f"product {world.products[first]} did not converge "
            f"({Status(solution.status[first]).name.lower()}): no derivative of {outcome.kind}"
        )
    flows, exporters = keep[world.flow_product], keep[world.exporter_product]
    importers = keep[world.importer_product]
    wedges = solution.wedges
    whole = shock(world, wedges)
    with np.errstate(invalid="ignore"):
        log_price = np.log(solution.price_hat[exporters])
    return _Case(
        world=world.select([world.products[k] for k in np.flatnonzero(keep)]),
        shock=Shock(
            log_cost=whole.log_cost[flows],
            admitted=whole.admitted[flows],
            log_supply=whole.log_supply[exporters],
            log_demand=whole.log_demand[importers],
        ),
        tariff=wedges.tariff_new[flows],
        trade_cost=wedges.trade_cost[flows],
        export_tax=wedges.export_tax[flows],
        log_price=log_price,
    )


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


def _check_answerable(result: Result, outcome: Outcome, case: _Case) -> None:
    """Refuse what :class:`Result` leaves empty."""
    world = case.world
    country = world.countries.index(outcome.country)
    where = f"outcome {outcome.kind!r} of {outcome.country}"
    if outcome.kind in ("price_index", "imports", "hhi"):
        mine = world.flow_importer == country
        served = np.unique(world.flow_product[mine & case.shock.admitted])
        lost = np.setdiff1d(np.unique(world.flow_product[mine]), served)
        if outcome.kind == "price_index" and lost.size:
            raise ConfigError(f"{where}: {world.products[lost[0]]} has no supplier left")
        if outcome.kind == "hhi" and not (mine & case.shock.admitted & ~world.home).any():
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


def _value(case: _Case, outcome: Outcome, at: "Equilibrium", theta: "Parameters") -> "jax.Array":
    """The outcome, in JAX; equations as in :mod:`tradewedge.outcomes`."""
    import jax.numpy as jnp
    from jax.ops import segment_sum

    world = case.world
    country = world.countries.index(outcome.country)
    buys = world.importer_country == country
    if outcome.kind == "price_index":
        weight = np.where(buys, world.expenditure, 0.0)
        return jnp.sum(weight / weight.sum() * jnp.exp(at.log_index))
    sold = jnp.asarray(np.where(case.shock.admitted, world.value, 0.0))
    paid = sold * jnp.exp(at.log_price[world.exporter_row] + at.log_quantity)
    border = paid * (1.0 + case.export_tax)
    mine = world.flow_importer == country
    abroad = jnp.where(mine & ~world.home, border, 0.0)
    if outcome.kind == "imports":
        return jnp.sum(abroad)
    if outcome.kind == "hhi":
        supplied = segment_sum(abroad, world.flow_exporter, len(world.countries))
        return jnp.sum((supplied / jnp.sum(supplied)) ** 2)
    revenue = jnp.sum(jnp.where(mine, border * case.trade_cost * theta.tariff, 0.0))
    if outcome.kind == "revenue":
        return revenue
    area = _area(theta.eta[world.importer_product], at.log_index)
    demand = np.where(buys, world.expenditure, 0.0) * np.exp(case.shock.log_demand)
    surplus = -jnp.sum(demand * area)
    if outcome.kind == "consumer_surplus":
        return surplus
    revenue = revenue - float(np.sum(world.value * world.tariff_base, where=mine))
    sells = world.flow_exporter == country
    taxes = jnp.sum(jnp.where(sells, paid * case.export_tax, 0.0))
    if world.observed_importers is not None:
        return surplus + revenue + taxes
    return surplus + revenue + taxes + _producer_surplus(case, country, at, theta)


def _area(eta: "jax.Array", log_index: "jax.Array") -> "jax.Array":
    """``(P^(1 - eta) - 1) / (1 - eta)`` with an accurate derivative at eta = 1."""
    import jax.numpy as jnp

    power = 1.0 - eta
    near = jnp.abs(power) < 1e-4
    safe = jnp.where(near, 1.0, power)
    y = power * log_index
    series = log_index * (1 + y / 2 * (1 + y / 3 * (1 + y / 4)))
    return jnp.where(near, series, jnp.expm1(safe * log_index) / safe)


def _producer_surplus(
    case: _Case, country: int, at: "Equilibrium", theta: "Parameters"
) -> "jax.Array":
    import jax.numpy as jnp

    world = case.world
    finite = np.isfinite(world.epsilon)
    rows = np.bincount(world.exporter_row[case.shock.admitted], minlength=finite.size) > 0
    grown = jnp.exp(case.shock.log_supply + (1.0 + theta.epsilon) * at.log_price)
    change = (jnp.where(rows, grown, 0.0) - 1.0) / (1.0 + theta.epsilon)
    mine = finite & (world.exporter_country == country)
    return jnp.sum(jnp.where(mine, world.exporter_sales * change, 0.0))


def _table(world: World, tariff: Floats, name: str, slope: Floats) -> pl.DataFrame:
    """Derivatives in one kind of parameter."""
    none = pl.lit(None, dtype=pl.String)
    if name == "tariff":
        keys: dict[str, pl.Series] = world.flow_keys()
        at = np.where(world.tariff_known, tariff, np.nan)
    elif name == "epsilon":
        keys = {
            "product": world.product_column(world.exporter_product),
            "exporter": world.country_column(world.exporter_country),
        }
        at = world.epsilon
        slope = np.where(np.isfinite(at), slope, np.nan)
    else:
        keys = {"product": world.product_column(np.arange(len(world.products)))}
        at = getattr(world, name)
    frame = pl.DataFrame({**keys, "at": nullable(at), "derivative": nullable(slope)})
    return frame.select(
        pl.lit(name).alias("parameter"),
        "product",
        *(key if key in keys else none.alias(key) for key in ("exporter", "importer")),
        "at",
        "derivative",
    )
