"""Each instrument by itself: slack, binding, closed forms, and what they do together."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import ArrayLike

from tradewedge.kernels import armington_cpu, reference
from tradewedge.kernels.dense import neutral
from tradewedge.kernels.instruments import no_instruments
from tradewedge.kernels.market import Instruments, KernelSolution, Market, Options, Shock, Status
from tradewedge.kernels.recover import Recovered, recover
from tradewedge.kernels.sample import Recipe, random_instruments, random_market, random_shock

TIGHT = Options(tolerance=1e-13)
TRADE = [[5.0, 2.0, 3.0], [1.0, 6.0, 2.0], [2.0, 1.0, 4.0]]
Build = Callable[..., Market]


def put(market: Market, **given: ArrayLike) -> Shock:
    """The neutral shock with some instruments; single numbers apply to all imports."""
    base = no_instruments(market)
    arrays = {}
    for name, value in given.items():
        empty = getattr(base, name)
        if np.ndim(value) == 0 and name in ("specific", "floor", "dispersion", "quota"):
            arrays[name] = np.where(market.home, empty, value)
        elif np.ndim(value) == 0:
            arrays[name] = np.full(empty.shape, float(value))
        else:
            arrays[name] = np.asarray(value, empty.dtype)
    return replace(neutral(market), instruments=replace(base, **arrays))


def limit(
    market: Market, *groups: tuple[ArrayLike, float], beyond: float = np.inf
) -> dict[str, np.ndarray]:
    """Arrays of groups of flows, weighted by sales shares."""
    flows = [np.asarray(rows, np.int64) for rows, _ in groups]
    weights = [market.sales_share[rows] / market.sales_share[rows].sum() for rows in flows]
    return {
        "group_ptr": np.cumsum([0, *(len(rows) for rows in flows)]),
        "group_flow": np.concatenate(flows),
        "group_weight": np.concatenate(weights),
        "group_limit": np.array([most for _, most in groups]),
        "group_beyond": np.full(len(groups), beyond),
    }


def solved(market: Market, shock: Shock) -> tuple[KernelSolution, Recovered]:
    found = armington_cpu.solve(market, shock, TIGHT)
    assert (found.status == Status.CONVERGED).all()
    return found, recover(market, shock, found)


def one(market: Market, exporter: int, importer: int) -> np.ndarray:
    return (market.flow_exporter == exporter) & (market.flow_importer == importer)


SLACK: dict[str, dict[str, ArrayLike]] = {
    "floor": {"floor": 0.9},
    "quota": {"quota": 1.2},
    "capacity": {"capacity": 1.5},
    "contract": {"strike": 0.8, "covered": 1.0},
    "tariff-rate quota": {"quota": 1.3, "beyond_quota": 0.4},
}


@pytest.mark.parametrize("given", SLACK.values(), ids=SLACK.keys())
@pytest.mark.parametrize("solve", [armington_cpu.solve, reference.solve])
def test_slack_instruments_change_nothing(
    from_table: Build, solve: Callable, given: dict[str, ArrayLike]
) -> None:
    market = from_table(TRADE, sigma=4.0)
    cost = np.where(one(market, 0, 1), 0.02, 0.0)
    shock = replace(put(market, **given), log_cost=cost)
    found = solve(market, shock, Options())
    plain = solve(market, replace(neutral(market), log_cost=cost), Options())
    for name in ("log_price", "log_index", "residual", "error_bound", "iterations", "status"):
        np.testing.assert_array_equal(getattr(found, name), getattr(plain, name))
    before = recover(market, replace(shock, instruments=None), plain)
    after = recover(market, shock, found)
    np.testing.assert_allclose(after.quantity, before.quantity, rtol=1e-14)
    assert (after.rents.levy == 0).all()
    assert (after.rents.quota_rent == 0).all()
    assert (after.rents.scarcity_rent == 0).all()


@pytest.mark.parametrize("sigma", [0.8, 1.0, 3.0, 12.0])
def test_a_binding_floor(from_table: Build, sigma: float) -> None:
    market = from_table(TRADE, sigma=sigma, eta=0.5)
    flow = one(market, 0, 1)
    found, out = solved(market, put(market, floor=np.where(flow, 1.4, 0.0)))
    assert out.delivered[flow] == pytest.approx([1.4], abs=1e-12)
    assert found.log_price[0] < 0
    assert out.rents.levy[flow] == pytest.approx(1.4 - np.exp(found.log_price[:1]), abs=1e-12)
    assert (out.rents.levy[~flow] == 0).all()
    assert np.isnan(found.error_bound[0])


def test_floors_on_every_import(from_table: Build) -> None:
    market = from_table(TRADE, sigma=4.0)
    found, out = solved(market, put(market, floor=1.3))
    away = ~market.home
    np.testing.assert_allclose(out.delivered[away], 1.3, rtol=1e-12)
    assert (found.log_index > 0).all()
    binding = out.rents.levy[away] > 0
    assert binding.all()


def test_dispersion_goes_to_the_sharp_floor(from_table: Build) -> None:
    market = from_table(TRADE, sigma=4.0)
    flow = one(market, 0, 1)
    floor = np.where(flow, 1.1, 0.0)
    sharp, _ = solved(market, put(market, floor=floor))
    gaps, levies = [], []
    for spread in (0.4, 0.2, 0.1, 0.01, 1e-4):
        found, out = solved(
            market, put(market, floor=floor, dispersion=np.full(floor.shape, spread))
        )
        gaps.append(np.abs(found.log_price - sharp.log_price).max())
        levies.append(float(out.rents.levy[flow][0]))
        assert out.delivered[flow][0] > 1.1 - 1e-12
    assert np.all(np.diff(gaps) <= 1e-12)
    assert gaps[-1] < 1e-10
    assert np.all(np.array(levies) > 0)
    low, _ = solved(market, put(market, floor=0.5 * floor, dispersion=np.full(floor.shape, 0.5)))
    lower, _ = solved(market, put(market, floor=0.4 * floor, dispersion=np.full(floor.shape, 0.5)))
    assert low.log_index[1] > lower.log_index[1] > 0


def test_three_regimes_of_a_tariff_rate_quota(from_table: Build) -> None:
    market = from_table(TRADE, sigma=4.0)
    flow = one(market, 0, 1)
    step = np.log(1.25)

    def at(quota: float) -> tuple[float, float, float]:
        shock = put(
            market,
            quota=np.where(flow, quota, np.inf),
            beyond_quota=np.where(flow, step, np.inf),
        )
        found, out = solved(market, shock)
        price = float(np.exp(found.log_price[0]))
        rent = float(out.rents.quota_rent[flow][0])
        return (
            float(out.quantity[flow][0]),
            rent / (price * 0.25),
            float(out.rents.in_quota[flow][0]),
        )

    assert at(1.5) == pytest.approx((1.0, 0.0, 1.0))
    quantity, rent, inside = at(0.8)
    assert quantity == pytest.approx(0.8, abs=1e-14)
    assert 0 < rent < 1
    assert inside == pytest.approx(0.8)
    quantity, rent, inside = at(0.1)
    assert 0.1 < quantity < 0.8
    assert rent == pytest.approx(1.0)
    assert inside == pytest.approx(0.1)


def test_three_regimes_of_a_tariff_rate_quota_over_a_group(from_table: Build) -> None:
    market = from_table(TRADE, sigma=4.0)
    rows = np.flatnonzero((market.flow_importer == 1) & ~market.home)
    weight = market.sales_share[rows] / market.sales_share[rows].sum()
    step = np.log(1.25)

    def at(most: float) -> tuple[float, float, float]:
        shock = put(market, **limit(market, (rows, most), beyond=step))
        found, out = solved(market, shock)
        use = float(weight @ out.quantity[rows])
        assert out.rents.group_rent[rows] == pytest.approx(
            np.exp(found.log_price[market.flow_exporter[rows]]) * np.expm1(found.log_shadow[0])
        )
        return use, float(found.log_shadow[0]), float(out.rents.group_within[0])

    assert at(1.5) == pytest.approx((1.0, 0.0, 1.0))
    use, premium, within = at(0.8)
    assert use == pytest.approx(0.8, rel=1e-12)
    assert 0 < premium < step
    assert within == pytest.approx(1.0)
    use, premium, within = at(0.1)
    assert 0.1 < use < 0.8
    assert premium == step
    assert within == pytest.approx(0.1 / use)
    # Nothing within is the duty beyond on everything.
    duty = np.zeros(len(market.share))
    duty[rows] = step
    plain, _ = solved(market, replace(neutral(market), log_cost=duty))
    shut, out = solved(market, put(market, **limit(market, (rows, 0.0), beyond=step)))
    np.testing.assert_allclose(shut.log_price, plain.log_price, atol=1e-11)
    assert out.rents.group_within == pytest.approx([0.0])


def test_the_price_of_a_quota_put_in_as_a_tariff(from_table: Build) -> None:
    market = from_table(TRADE, sigma=5.0, epsilon=[0.5, 1.0, np.inf])
    pair = one(market, 0, 1)
    wide = np.flatnonzero((market.flow_importer == 0) & ~market.home)
    outside = np.flatnonzero((market.flow_exporter == 2) & ~market.home)
    shock = put(
        market, quota=np.where(pair, 0.4, np.inf), **limit(market, (wide, 0.3), (outside, 0.5))
    )
    found, out = solved(market, shock)
    tariff = np.zeros(len(pair))
    for g, rows in enumerate((wide, outside)):
        assert found.log_shadow[g] > 0
        tariff[rows] += found.log_shadow[g]
    chain = np.exp(found.log_price[0])
    tariff[pair] += np.log1p(out.rents.quota_rent[pair] / chain)
    plain, flows = solved(market, replace(neutral(market), log_cost=tariff))
    np.testing.assert_allclose(flows.quantity, out.quantity, rtol=1e-9)
    np.testing.assert_allclose(plain.log_price, found.log_price, atol=1e-9)


@pytest.mark.parametrize("sigma", [0.7, 1.0, 1.004, 3.0])
@pytest.mark.parametrize("eta", [0.2, 2.0])
def test_a_quota_with_infinite_supply(from_table: Build, sigma: float, eta: float) -> None:
    """One buyer; the price of the limited supplier solves one equation in one unknown."""
    market = from_table([[1.0], [3.0]], sigma=sigma, eta=eta, epsilon=np.inf, same_countries=False)
    quota = 0.5
    _, out = solved(market, put(market, quota=np.array([quota, np.inf])))
    price = out.delivered[0]
    if sigma == 1:
        index = price**0.25
    else:
        index = (0.25 * price ** (1 - sigma) + 0.75) ** (1 / (1 - sigma))
    assert price**-sigma * index ** (sigma - eta) == pytest.approx(quota, rel=1e-12)
    assert out.quantity[0] == pytest.approx(quota, rel=1e-14)
    assert out.rents.quota_rent[0] == pytest.approx(price - 1, rel=1e-12)


def test_a_specific_duty_with_infinite_supply(from_table: Build) -> None:
    market = from_table([[1.0]], sigma=3.0, eta=0.5, epsilon=np.inf, same_countries=False)
    found, out = solved(market, put(market, specific=np.array([0.25])))
    assert found.log_index == pytest.approx([np.log(1.25)], abs=1e-15)
    assert out.quantity == pytest.approx([1.25**-0.5])
    assert out.rents.specific == pytest.approx([0.25])


def test_a_contract_for_differences(from_table: Build) -> None:
    market = from_table(TRADE, sigma=4.0)
    maker = np.array([1.0, 0.0, 0.0])
    found, out = solved(market, put(market, strike=1.5 * maker, covered=maker))
    assert found.log_price[0] < 0
    assert out.output[0] == pytest.approx(1.5, rel=1e-12)
    assert found.log_index[0] < 0
    receipt = out.rents.producer_receipt[0] * np.exp(found.log_price[0])
    assert receipt == pytest.approx(1.5, rel=1e-12)
    part, half = solved(market, put(market, strike=1.5 * maker, covered=0.5 * maker))
    assert found.log_price[0] < part.log_price[0] < 0
    assert 1 < half.output[0] < 1.5
    upside = put(market, strike=0.8 * maker, covered=maker, upside=0.3 * maker)
    above, shared = solved(market, upside)
    price = np.exp(above.log_price[0])
    paid = shared.rents.producer_receipt[0] * price
    assert paid == pytest.approx(0.8 + 0.7 * (price - 0.8), rel=1e-12)


@pytest.mark.parametrize("epsilon", [0.5, np.inf])
def test_a_capacity(from_table: Build, epsilon: float) -> None:
    market = from_table(TRADE, sigma=4.0, epsilon=epsilon)
    found, out = solved(market, put(market, capacity=np.array([0.7, np.inf, np.inf])))
    assert out.output[0] == pytest.approx(0.7, rel=1e-11)
    cost = 1.0 if np.isinf(epsilon) else 0.7 ** (1 / epsilon)
    rent = np.exp(found.log_price[0]) - cost
    assert out.rents.scarcity_rent == pytest.approx([rent, 0, 0], abs=1e-11)


def test_a_limit_on_exports_splits_the_price(from_table: Build) -> None:
    market = from_table(TRADE, sigma=4.0)
    abroad = np.flatnonzero((market.flow_exporter == 0) & ~market.home)
    found, out = solved(market, put(market, **limit(market, (abroad, 0.5))))
    at_home = out.delivered[one(market, 0, 0)][0]
    assert at_home < 1 < out.delivered[abroad].min()
    premium = np.exp(found.log_shadow[0])
    assert out.delivered[abroad] / at_home == pytest.approx([premium, premium])
    assert out.rents.group_rent[abroad] == pytest.approx(at_home * (premium - 1))
    weight = market.sales_share[abroad] / market.sales_share[abroad].sum()
    assert weight @ out.quantity[abroad] == pytest.approx(0.5, rel=1e-11)


def test_limits_of_every_kind_at_once(from_table: Build) -> None:
    market = from_table(TRADE, sigma=15.0, eta=0.2, epsilon=0.2)
    away = ~market.home
    groups = [
        (np.flatnonzero(away), 0.55),
        (np.flatnonzero(away & (market.flow_importer == 1)), 0.4),
        (np.flatnonzero(away & (market.flow_exporter == 0)), 0.3),
    ]
    quota = np.where(one(market, 2, 1), 0.2, np.inf)
    shock = put(market, quota=quota, **limit(market, *groups))
    found, out = solved(market, shock)
    for (rows, most), shadow in zip(groups, found.log_shadow, strict=True):
        weight = market.sales_share[rows] / market.sales_share[rows].sum()
        left = np.log(most / (weight @ out.quantity[rows]))
        assert min(shadow, left) == pytest.approx(0, abs=1e-12)
    other = reference.solve(market, shock, TIGHT)
    np.testing.assert_allclose(other.log_price, found.log_price, atol=1e-10)


@pytest.mark.parametrize("limited", ["pair", "group", "capacity"])
def test_limits_that_no_price_can_meet(from_table: Build, limited: str) -> None:
    market = from_table([[4.0], [6.0]], sigma=3.0, eta=0.0, same_countries=False)
    given: dict[str, dict[str, ArrayLike]] = {
        "pair": {"quota": np.array([0.5, 0.6])},
        "group": limit(market, ([0, 1], 0.8)),
        "capacity": {"capacity": np.array([0.8, 0.9])},
    }
    found = armington_cpu.solve(market, put(market, **given[limited]), Options())
    assert found.status.tolist() == [Status.INFEASIBLE]
    assert np.isnan(found.log_price).all()
    if limited == "group":
        # A duty beyond the limit stops nobody: it is collected in full.
        found, _ = solved(market, put(market, **limit(market, ([0, 1], 0.8), beyond=0.3)))
        assert found.log_shadow.tolist() == [0.3]
    elastic = replace(market, eta=np.array([0.3]))
    solved(elastic, put(elastic, **given[limited]))


def test_a_limit_of_zero_is_an_exclusion(from_table: Build) -> None:
    market = from_table(TRADE, sigma=4.0)
    flow = one(market, 0, 1)
    found, out = solved(market, put(market, quota=np.where(flow, 0.0, np.inf)))
    plain, flows = solved(market, replace(neutral(market), admitted=~flow))
    np.testing.assert_array_equal(found.log_price, plain.log_price)
    np.testing.assert_allclose(out.quantity, flows.quantity, rtol=1e-14)


def test_output_that_no_price_sells(from_table: Build) -> None:
    """All of it is under contract, and a floor keeps its price from its buyers."""
    market = from_table([[1.0], [1.0]], sigma=3.0, same_countries=False)
    shock = put(
        market,
        floor=np.array([1.5, 0.0]),
        strike=np.array([2.0, 0.0]),
        covered=np.array([1.0, 0.0]),
    )
    found, out = solved(market, shock)
    assert np.exp(found.log_price[0]) < 1e-12
    assert out.output[0] == pytest.approx(out.quantity[0])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("floor", np.nan),
        ("specific", -0.1),
        ("quota", -1.0),
        ("dispersion", np.inf),
        ("beyond_quota", -0.2),
    ],
)
def test_bad_numbers_are_told(from_table: Build, field: str, value: float) -> None:
    market = from_table(TRADE, sigma=4.0)
    shock = put(market, quota=0.8)
    given = shock.instruments
    assert given is not None
    array = getattr(given, field).copy()
    array[1] = value
    found = armington_cpu.solve(
        market, replace(shock, instruments=replace(given, **{field: array})), Options()
    )
    assert found.status.tolist() == [Status.NONFINITE_INPUT]


def cut(market: Market, shock: Shock, product: int, one_product: Callable) -> tuple[Market, Shock]:
    """One product with its instruments."""
    given = shock.instruments
    assert given is not None
    alone, calm = one_product(market, shock, product)
    rows = slice(*market.flow_ptr[product : product + 2])
    makers = slice(*market.exporter_ptr[product : product + 2])
    first = given.group_flow[given.group_ptr[:-1]]
    mine = np.flatnonzero((first >= rows.start) & (first < rows.stop))
    parts = [slice(*given.group_ptr[g : g + 2]) for g in mine]
    fields = {
        name: getattr(given, name)[rows]
        for name in ("specific", "floor", "dispersion", "quota", "beyond_quota")
    }
    fields |= {
        name: getattr(given, name)[makers] for name in ("capacity", "strike", "covered", "upside")
    }
    return alone, replace(
        calm,
        instruments=Instruments(
            **fields,
            group_ptr=np.cumsum([0, *(part.stop - part.start for part in parts)]),
            group_flow=np.concatenate(
                [np.zeros(0, np.int64), *(given.group_flow[p] for p in parts)]
            )
            - rows.start * (len(parts) > 0),
            group_weight=np.concatenate([np.zeros(0), *(given.group_weight[p] for p in parts)]),
            group_limit=given.group_limit[mine],
            group_beyond=given.group_beyond[mine],
        ),
    )


def test_a_batch_is_a_loop(one_product: Callable) -> None:
    rng = np.random.default_rng(4)
    market = random_market(rng, 20, Recipe(sigma=(1.5, 10), epsilon=(0.1, 5)))
    shock = random_instruments(rng, market, random_shock(rng, market), most=3)
    together = armington_cpu.solve(market, shock, Options())
    alone = [
        armington_cpu.solve(*cut(market, shock, product, one_product), Options())
        for product in range(20)
    ]
    for name in ("log_price", "log_index", "status", "iterations", "residual", "error_bound"):
        joined = np.concatenate([getattr(each, name) for each in alone])
        np.testing.assert_array_equal(joined, getattr(together, name))


def test_other_products_keep_their_solution() -> None:
    rng = np.random.default_rng(5)
    market = random_market(rng, 6)
    shock = random_shock(rng, market)
    plain = armington_cpu.solve(market, shock, Options())
    given = no_instruments(market)
    given.floor[market.flow_ptr[2] : market.flow_ptr[3]] = 1.5
    found = armington_cpu.solve(market, replace(shock, instruments=given), Options())
    rows = np.ones(len(plain.log_price), bool)
    rows[market.exporter_ptr[2] : market.exporter_ptr[3]] = False
    np.testing.assert_array_equal(found.log_price[rows], plain.log_price[rows])
    assert not np.array_equal(found.log_price[~rows], plain.log_price[~rows])


def test_order_of_countries_does_not_matter(reorder: Callable) -> None:
    rng = np.random.default_rng(6)
    market = random_market(rng, 1, Recipe(exporters=(9, 9), importers=(8, 8), rigid=0))
    shock = random_instruments(rng, market, random_shock(rng, market), most=6)
    exporters = rng.permutation(len(market.epsilon))
    importers = rng.permutation(int(market.importer_ptr[-1]))
    moved, calm = reorder(market, shock, exporters, importers)
    order = np.lexsort((importers[market.flow_importer], exporters[market.flow_exporter]))
    back, given = np.argsort(exporters), shock.instruments
    assert given is not None
    fields = {
        name: getattr(given, name)[order]
        for name in ("specific", "floor", "dispersion", "quota", "beyond_quota")
    }
    fields |= {
        name: getattr(given, name)[back] for name in ("capacity", "strike", "covered", "upside")
    }
    fields["group_flow"] = np.argsort(order)[given.group_flow]
    found = armington_cpu.solve(market, shock, TIGHT)
    other = armington_cpu.solve(moved, replace(calm, instruments=replace(given, **fields)), TIGHT)
    np.testing.assert_allclose(other.log_price[exporters], found.log_price, atol=1e-10)
    np.testing.assert_allclose(other.log_shadow, found.log_shadow, atol=1e-10)
