"""What the presets answer: signs, orders, and what comes back after a suspension."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

import tradewedge as tw

Preset = Callable[[str], tw.Scenario]


def _price(result: tw.Result, product: str, importer: str) -> dict[str, float]:
    table = result.importers().filter(
        (pl.col("product") == product) & (pl.col("importer") == importer)
    )
    return dict(table.select("scenario", "price_index_hat").collect().iter_rows())


def test_a_floor_raises_the_price_and_a_contract_lowers_it(
    preset: Preset, minerals: tw.World
) -> None:
    """P06, P07, P08 side by side, on rare-earth compounds, of which China sells at home."""
    world = minerals.select(["284690"])
    assert (world.home & (world.value > 0)).any()
    cases = [
        preset(name)
        for name in (
            "p06_us_mip_ndpr",
            "p06_us_mip_ndpr_exporter_rent",
            "p07_club_floor_ndpr",
            "p08_mp_contract",
        )
    ]
    levy, rent, club, contract = _price(tw.solve(world, cases), "284690", "USA").values()
    assert levy > 1.05
    assert rent == pytest.approx(levy, rel=1e-9)
    assert club > levy
    assert contract < 1


def test_a_multiple_of_one_is_slack(preset: Preset, minerals: tw.World) -> None:
    cases = [preset(f"p06_us_mip_multiple_{x}") for x in (100, 125, 150, 200)]
    price = [_price(tw.solve(minerals, case), "283691", "USA")[case.name] for case in cases]
    assert price[0] == pytest.approx(1.0, abs=1e-9)
    assert np.all(np.diff(price) > 0)


def test_members_who_leave_the_club_take_what_it_keeps_out(
    preset: Preset, minerals: tw.World
) -> None:
    case = preset("p07_club_floor_dropouts")
    result = tw.solve(minerals.select(["284690"]), case)
    assert len(result.solutions) == len(case.branches) == 9
    flows = result.flows().filter((pl.col("exporter") == "CHN") & (pl.col("importer") == "DEU"))
    bought = flows.select("scenario", "quantity_hat").collect()["quantity_hat"].to_list()
    assert max(bought[:-1]) < 0.01  # below the floor as long as the Union is a member
    assert bought[-1] > 1.2  # and more than before once only the United States keep it out
    alone = _price(result, "284690", "USA").values()
    single = _price(
        tw.solve(minerals.select(["284690"]), preset("p06_us_mip_ndpr")), "284690", "USA"
    ).values()
    assert list(alone)[-1] == pytest.approx(*single, rel=1e-8)


def test_the_ban_on_gallium_snaps_back(preset: Preset, us_imports: tw.World) -> None:
    case = preset("p09_china_ga_ge_sb_ban")
    days = ["2025-06-30", "2026-01-20", "2026-11-27", "2026-12-01"]
    on, off, last, again = case.path(days)
    assert [len(state.measures) for state in (on, off, last, again)] == [1, 0, 0, 1]
    world = us_imports.select(["811292"])
    result = tw.solve(world, [on, off, last, again])
    price = list(_price(result, "811292", "USA").values())
    assert price[0] == price[3] > 1
    assert price[1] == price[2] == 1


def test_the_package_of_october_is_in_force_suspended_and_back(preset: Preset) -> None:
    case = preset("p12_china_oct2025_package")
    assert [str(state.date) for state in case.path()] == ["2025-10-09", "2025-11-07", "2026-11-11"]
    assert [len(state.measures) for state in case.path()] == [1, 0, 1]


def test_both_bounds_on_japan(preset: Preset, minerals: tw.World) -> None:
    world = minerals.select(["280530", "284690"])
    low = tw.solve(world, preset("p13_china_japan_low"))
    high = tw.solve(world, preset("p13_china_japan_high"))
    segment = low.importers().filter(pl.col("importer") == "JPN:defence").collect()
    assert (segment["price_index_hat"] > 1).all()
    (civil,) = _price(low, "284690", "JPN").values()
    (whole,) = _price(high, "284690", "JPN").values()
    assert whole > 1.1
    assert civil < whole


def test_congo_ban_then_quotas(preset: Preset, minerals: tw.World) -> None:
    case = preset("p14_drc_cobalt_quota")
    world = minerals.select(["282200", "810510"])
    ban, late, annual, after = case.path()
    assert not after.measures
    result = tw.solve(world, [late, annual])
    limits = result.limits().collect()
    assert (limits["shadow_price"] > 0).all()
    by_day = dict(limits.group_by("scenario").agg(pl.col("limit").first()).iter_rows())
    # 18,125 t in 77 days, then 96,600 t in a year, on a mine output of 175,000 t
    assert by_day[late.name] == pytest.approx(18125 / 77 * 365 / 175_000, rel=0.01)
    assert by_day[annual.name] == pytest.approx(96_600 / 175_000, rel=0.01)
    rents = result.transfers().filter(pl.col("kind") == "quota_rent").collect()
    assert set(rents["receiver"]) == {"COD"}
    assert (
        tw.solve(world, ban).flows().filter(pl.col("exporter") == "COD").collect()["quantity_hat"]
        == 0
    ).all()


def test_the_ceiling_on_russian_uranium_binds_more_every_year(
    preset: Preset, us_imports: tw.World
) -> None:
    case = preset("p26_russian_leu_shares")
    result = tw.solve(us_imports.select(["284420"]), list(case.path()))
    limits = result.limits().collect()
    assert np.all(np.diff(limits["limit"].to_numpy()) < 0)
    assert np.all(np.diff(limits["shadow_price"].to_numpy()) > 0)
    price = list(_price(result, "284420", "USA").values())
    assert len(price) == 5
    assert np.all(np.diff(price) > 0)


def test_the_ceilings_in_kilograms_where_tons_are_known(preset: Preset) -> None:
    flows = pl.DataFrame(
        {
            "product": ["284420"] * 2,
            "exporter": ["RUS", "FRA"],
            "importer": ["USA"] * 2,
            "value": [624e3, 2480e3],
            "quantity": [476.536, 1900.0],
        }
    )
    central = pl.DataFrame(
        {"product": [""], "sigma": [5.0], "eta": [0.5], "epsilon": [2.0], "source": ["test"]}
    )
    world = tw.World.from_flows(flows, central, name="uranium", vintage="HS2022")
    case = preset("p26_russian_leu_ceilings")
    table = tw.solve(world, list(case.path())).limits().collect()
    assert table["limit"].to_list() == pytest.approx(
        [1, 470376 / 476536, 464183 / 476536, 459083 / 476536]
    )
    assert table["shadow_price"].to_list() == sorted(table["shadow_price"])


def test_zinc_from_clarksville_where_output_is_known(preset: Preset) -> None:
    """US output of 2024 (USGS): 220 kt zinc, 1,030 kt lead, 921 kt copper; sold at home."""
    rows = [
        ("740311", "CHL", "USA", 8e6, 9e5),
        ("740311", "USA", "USA", 8e6, 921e3),
        ("780110", "CAN", "USA", 1e6, 4e5),
        ("780110", "USA", "USA", 2e6, 1030e3),
        ("790111", "CAN", "USA", 16e5, 59e4),
        ("790111", "USA", "USA", 6e5, 220e3),
    ]
    names = ["product", "exporter", "importer", "value", "quantity"]
    central = pl.DataFrame(
        {"product": [""], "sigma": [5.0], "eta": [0.5], "epsilon": [1.0], "source": ["test"]}
    )
    world = tw.World.from_flows(
        pl.DataFrame(rows, schema=names, orient="row"), central, name="metals", vintage="HS2022"
    )
    (solution,) = tw.solve(world, preset("p19_korea_zinc")).solutions
    grown = {
        world.products[k]: f
        for k, f in zip(world.exporter_product, solution.wedges.supply, strict=True)
        if f != 1
    }
    assert grown == pytest.approx(
        {"790111": 520 / 220, "780110": 1 + 200 / 1030, "740311": 1 + 35 / 921}, rel=1e-3
    )


def test_each_rung_of_the_ladder_costs_more(preset: Preset, minerals: tw.World) -> None:
    names = ("p24_ladder_1_us_100", "p24_ladder_2_china_answers", "p24_ladder_3_china_controls")
    price = _price(tw.solve(minerals, [preset(name) for name in names]), "280530", "USA")
    first, second, third = price.values()
    assert first > 1
    assert third > second


def test_the_law_of_eight_days(preset: Preset, us_imports: tw.World) -> None:
    """The duty falls with the ruling of February 2026 and comes back in part afterwards."""
    world = us_imports.select([p for p in us_imports.products if p.startswith(("61", "72", "85"))])
    days = ["2024-12-31", "2026-01-15", "2026-02-24", "2026-04-06"]
    result = tw.solve(world, list(preset("p01_us_law").path(days)))
    mean = [
        float(np.average(solution.wedges.tariff_new, weights=world.value))
        for solution in result.solutions
    ]
    assert mean[1] > mean[2] > mean[0]
