"""The published example of Francois and Hall (2003), and how the exact model relates to it."""

import numpy as np
import pytest

import tradewedge as tw

PUBLISHED = {"USA": 0.0792, "JPN": -0.0316, "EUN": 0.0480, "RWX": -0.0184}
EXACT = {"USA": 0.1265, "JPN": -0.0323, "EUN": 0.0793, "RWX": -0.0173}


def price_changes(result: tw.Result) -> dict[str, float]:
    table = result.exporters().collect()
    return {e: p - 1 for e, p in table.select("exporter", "price_hat").iter_rows()}


def test_gsim_gives_the_published_prices(four_regions: tw.World, free_trade: tw.Scenario) -> None:
    found = price_changes(tw.solve(four_regions, free_trade, model="gsim"))
    assert found == pytest.approx(PUBLISHED, abs=5e-5)


def test_the_exact_model_for_the_full_shock(
    four_regions: tw.World, free_trade: tw.Scenario
) -> None:
    found = price_changes(tw.solve(four_regions, free_trade))
    assert found == pytest.approx(EXACT, abs=5e-5)


def test_gsim_output_follows_supply(four_regions: tw.World, free_trade: tw.Scenario) -> None:
    table = tw.solve(four_regions, free_trade, model="gsim").exporters().collect()
    np.testing.assert_allclose(table["output_hat"] - 1, 1.5 * (table["price_hat"] - 1))


def test_the_exact_models_first_derivative_is_gsim(
    four_regions: tw.World, free_trade: tw.Scenario
) -> None:
    """A step h of the way to free trade, in the power of the tariff, and its mirror image."""
    step = 1e-5

    def part(h: float) -> dict[str, float]:
        cuts = []
        for importer, exporter, power in (("USA", "EUN", 1.32), ("EUN", "USA", 1.41)):
            rate = power + h * (1 - power) - 1
            cuts.append(tw.Tariff(importer=importer, exporter=exporter, mode="set", rate=rate))
        return price_changes(tw.solve(four_regions, tw.Scenario("part", cuts), tolerance=1e-14))

    gsim = price_changes(tw.solve(four_regions, free_trade, model="gsim"))
    up, down = part(step), part(-step)
    slope = {e: (up[e] - down[e]) / (2 * step) for e in gsim}
    assert slope == pytest.approx(gsim, abs=1e-8)


@pytest.mark.parametrize(
    "measure",
    [
        lambda h: tw.Tariff(importer="USA", exporter="CHN", rate=h),
        lambda h: tw.Tariff(importer="USA", rate=h),
        lambda h: tw.ExportTax(exporter="CHN", rate=h),
        lambda h: tw.TradeCost(exporter="CHN", importer=["JPN", "USA"], factor=1 + h),
        lambda h: tw.SupplyShift(exporter="CHN", factor=1 + h),
        lambda h: tw.DemandShift(importer="USA", factor=1 + h),
    ],
    ids=["tariff on one", "tariff on all", "export tax", "trade cost", "supply", "demand"],
)
@pytest.mark.parametrize(("sigma", "eta", "epsilon"), [(4, 0.6, 1.2), (1, 1, 0), (0.5, 0.2, 3)])
def test_small_shocks_agree(measure, sigma, eta, epsilon, random_world) -> None:  # type: ignore[no-untyped-def]
    """For every measure the linear model errs by the square of the shock."""
    world = random_world(7, sigma=sigma, eta=eta, epsilon=epsilon)

    def gap(h: float) -> float:
        case = tw.Scenario("small", [measure(h)])
        linear, exact = (
            tw.solve(world, case, model=model, tolerance=1e-13) for model in ("gsim", "armington")
        )
        columns = {
            "exporters": ["price_hat", "output_hat"],
            "importers": ["price_index_hat"],
            "flows": ["quantity_hat", "delivered_hat"],
        }
        return max(
            float((linear.tables()[t].collect()[c] - exact.tables()[t].collect()[c]).abs().max())
            for t, names in columns.items()
            for c in names
        )

    assert gap(1e-4) < 1e-6
    assert gap(1e-4) / gap(1e-3) == pytest.approx(0.01, rel=0.05)
