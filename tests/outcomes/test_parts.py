"""Tables are computed range of products by range: where the cuts fall changes nothing."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import tradewedge as tw
from tradewedge.kernels.part import Part
from tradewedge.outcomes.parts import NOTHING, parts
from tradewedge.outcomes.tables import TABLES, scenario_frames
from tradewedge.tables import as_text

PRODUCTS = ("260500", "284610", "284690", "810520", "850511")
MEASURES = [
    tw.Tariff(importer="USA", rate=0.2, authority="Section 122"),
    tw.ExportTax(exporter="CHN", products="2846", rate=0.1),
    tw.TradeCost(importer="DEU", exporter="JPN", factor=1.2),
    tw.Exclusion(importer="GBR", exporter="USA", products="8505"),
    tw.PriceFloor(importer="USA", multiple=1.4, products=["2605", "8505"]),
    tw.PriceFloor(importer="JPN", multiple=1.3, basis="border", rent="exporter"),
    tw.SpecificDuty(importer="DEU", usd_per_kg=0.5, products="2846"),
    tw.ImportQuota(importer="USA", fraction=0.7, products=["2846", "8105"]),
    tw.ExportQuota(exporter="CHN", fraction=0.8, per="exporter"),
    tw.ImportQuota(importer="GBR", fraction=0.9, per="pair", rent="exporter"),
    tw.ContractForDifference(exporter="USA", multiple=1.3, upside_share=0.3, covered=0.6),
    tw.Capacity(exporter="CHN", fraction=0.9),
]


@pytest.fixture
def result(random_world: Callable[..., tw.World]) -> tw.Result:
    world = random_world(21, products=PRODUCTS, density=0.9)
    before = tw.Scenario("before", [tw.Tariff(importer="JPN", exporter="CHN", rate=0.1)])
    return tw.solve(world, tw.Scenario("after", MEASURES), reference=before)


def tables(result: tw.Result, cuts: Sequence[Part]) -> dict[str, pl.DataFrame]:
    frames = list(
        scenario_frames(result.world, result.base, result.solutions[0], tuple(TABLES), cuts)
    )
    return {name: pl.concat(as_text(frame[name]) for frame in frames) for name in TABLES}


@pytest.mark.parametrize("flows", [1, 30])
def test_cuts_change_nothing(flows: int, result: tw.Result) -> None:
    cuts = parts(result.world, flows)
    assert len(cuts) == (5 if flows == 1 else 4)
    whole, cut = tables(result, parts(result.world)), tables(result, cuts)
    assert whole["limits"].height > 20
    for name, table in whole.items():
        assert_frame_equal(cut[name], table, rel_tol=1e-14, abs_tol=1e-12)


@pytest.mark.parametrize(
    "nests",
    [
        {},
        {
            "sigma_home": 1.8,
            "sigma_groups": {"28": 2.5},
            "supplier_groups": {"allied": ["DEU", "GBR", "JPN"]},
        },
    ],
)
def test_a_range_is_recovered_like_the_whole(
    nests: dict[str, object], random_world: Callable[..., tw.World]
) -> None:
    world = random_world(22, products=PRODUCTS, density=0.9)
    shift = tw.SupplyShift(exporter="DEU", factor=0.7)
    case = tw.Scenario("plain", [*MEASURES[:4], shift])
    (solution,) = tw.solve(world, case, model_options=nests).solutions
    assert solution.recover_part is not None
    whole = solution.recovered
    for cut in parts(world, 30):
        part = solution.recover_part(cut)
        for name, rows in (
            ("delivered", cut.flows),
            ("quantity", cut.flows),
            ("output", cut.exporters),
            ("composite", cut.importers),
        ):
            np.testing.assert_allclose(
                getattr(part, name), getattr(whole, name)[rows], rtol=1e-14, err_msg=name
            )


def test_no_products_have_the_same_columns(result: tw.Result) -> None:
    whole, none = tables(result, parts(result.world)), tables(result, [NOTHING])
    for name, table in whole.items():
        assert none[name].height == 0
        assert none[name].schema == table.schema


def test_a_table_is_computed_as_far_as_it_is_needed(result: tw.Result) -> None:
    flows = result.flows()
    assert_frame_equal(flows.head(7).collect(), flows.collect().head(7))
    kept = flows.filter(pl.col("importer") == "USA").select("exporter", "value_new")
    eager = flows.collect().filter(pl.col("importer") == "USA").select("exporter", "value_new")
    assert_frame_equal(kept.collect(), eager)


def test_unknown_tables(result: tw.Result) -> None:
    with pytest.raises(tw.errors.ConfigError, match="no table 'prices'; there are flows"):
        result.scan("prices")
