"""Lists written finer than six digits: what share of a code a measure reaches."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

import tradewedge as tw
from tradewedge import codes
from tradewedge.duty import stack
from tradewedge.errors import ConfigError
from tradewedge.policy import Measure, Wedges, compile_wedges
from tradewedge.policy.law.coverage import line_shares

LIST = "exempt:s122"
# US imports of 8505.11 in 2024, thousand USD: line 8505.11.0070 and all five lines.
CHN, JPN, ALL = 203_871 / 344_660, 7_120 / 14_671, 238_476 / 453_188
Row = tuple[str, str, str, float, float | None]
MAGNETS: list[Row] = [
    ("850511", "CHN", "DEU", 50.0, 5.0),
    ("850511", "CHN", "USA", 300.0, 30.0),
    ("850511", "JPN", "USA", 100.0, 5.0),
    ("850511", "PRY", "USA", 10.0, 1.0),
    ("850511", "USA", "USA", 20.0, 1.0),
    ("284690", "CHN", "USA", 200.0, 20.0),
]


def world_of(rows: Sequence[Row] = MAGNETS, vintage: str | None = "HS2022") -> tw.World:
    return tw.World.from_flows(
        pl.DataFrame(
            rows,
            schema={
                "product": pl.String,
                "exporter": pl.String,
                "importer": pl.String,
                "value": pl.Float64,
                "quantity": pl.Float64,
            },
            orient="row",
        ),
        elasticities=pl.DataFrame(
            {"product": [""], "sigma": [5.0], "eta": [0.5], "epsilon": [1.0], "source": ["test"]}
        ),
        tariffs=pl.DataFrame(
            {"product": "850511", "exporter": "CHN", "importer": "USA", "rate": [0.0]}
        ).with_columns(authority=pl.lit("MFN")),
        tariff_importers=["USA"],
        name="magnets",
        vintage=vintage,
    )


def compiled(*measures: Measure, world: tw.World | None = None) -> Wedges:
    return compile_wedges(world or world_of(), tw.Scenario("s", measures))


def rates(wedges: Wedges, product: str = "850511") -> dict[tuple[str, str], float]:
    """Total duty by exporter and importer, of the flows that a measure met."""
    world = world_of()
    keys = pl.DataFrame(world.flow_keys()).rows()
    return {
        (key[1], key[2]): float(rate)
        for key, rate, met in zip(keys, wedges.tariff_new, wedges.touched_flows, strict=True)
        if met and key[0] == product
    }


def warned(wedges: Wedges) -> str:
    return "; ".join(wedges.warnings)


def test_a_list_knows_what_it_holds_in_part() -> None:
    listed = codes.named_list(LIST)
    assert listed.coverage["850511"] == pytest.approx(ALL, abs=5e-5)
    assert listed.lines["850511"] == ("8505110070",)
    assert listed.coverage["284690"] == 1.0
    assert "284690" not in listed.lines
    chain = codes.named_list("chain:rare_earths")
    assert set(chain.coverage.values()) == {None}
    assert not chain.lines
    processed = codes.named_list("pcmdp:processed")
    assert len(processed.lines) == 12
    assert processed.coverage["284990"] == pytest.approx(0.464, abs=1e-3)


@pytest.mark.parametrize("name", ["pcmdp:processed", "exempt:s122", "s232:steel", "s301:list_1"])
def test_the_column_of_a_list_is_what_its_lines_weigh(name: str) -> None:
    listed = codes.named_list(name)
    whole = line_shares(listed.lines).filter(pl.col("partner").is_null())
    assert sorted(whole["product"]) == sorted(listed.lines)
    for product, _, share in whole.iter_rows():
        assert listed.coverage[product] == pytest.approx(share, abs=5.1e-5)
    assert line_shares({}).is_empty()


def test_shares_by_partner() -> None:
    found = {
        partner: share for _, partner, share in line_shares({"850511": ["8505110070"]}).iter_rows()
    }
    assert found["CHN"] == pytest.approx(CHN, rel=1e-9)
    assert found["JPN"] == pytest.approx(JPN, rel=1e-9)
    assert found[None] == pytest.approx(ALL, rel=1e-9)


def test_a_tariff_falls_on_the_listed_share() -> None:
    wedges = compiled(tw.Tariff(products=LIST, rate=0.2, include_domestic=True))
    found = rates(wedges)
    assert found["CHN", "USA"] == pytest.approx(0.2 * CHN)
    assert found["JPN", "USA"] == pytest.approx(0.2 * JPN)
    # No partner of its own in the weights; not into the United States; at home.
    for pair in (("PRY", "USA"), ("CHN", "DEU"), ("USA", "USA")):
        assert found[pair] == pytest.approx(0.2 * ALL)
    assert rates(wedges, "284690") == {("CHN", "USA"): 0.2}
    (match,) = wedges.matches
    assert match.value_base == 680.0
    assert match.covered_value == pytest.approx(200 + 300 * CHN + 100 * JPN + 80 * ALL)
    share = 100 * match.covered_value / 680
    assert f"charged on the listed tariff lines, {share:.1f} % of the value" in warned(wedges)
    assert f"850511 ({100 * (match.covered_value - 200) / 480:.3g} %)" in warned(wedges)


def test_whole_codes_on_request() -> None:
    wedges = compiled(tw.Tariff(products=LIST, rate=0.2, coverage="whole"))
    assert set(rates(wedges).values()) == {0.2}
    assert wedges.matches[0].covered_value == wedges.matches[0].value_base
    assert "lines" not in warned(wedges)
    with pytest.raises(ConfigError, match=r"coverage 'whol' is unknown.*whole"):
        tw.Tariff(products=LIST, rate=0.2, coverage="whol")


def test_a_code_that_is_named_too_counts_as_a_whole() -> None:
    for products in ([LIST, "8505"], ["8505", LIST], [LIST, "chain:rare_earths"]):
        assert set(rates(compiled(tw.Tariff(products=products, rate=0.2))).values()) == {0.2}
    # Two lists with the same line are no more than one.
    twice = compiled(tw.Tariff(products=[LIST, "exempt:ieepa_annex_ii"], rate=0.2))
    assert rates(twice)["CHN", "USA"] == pytest.approx(0.2 * CHN)


def test_specific_and_compound_duties() -> None:
    def specific(coverage: str) -> np.ndarray:
        duty = tw.SpecificDuty(products=LIST, usd_per_kg=2.0, coverage=coverage)
        compound = tw.CompoundDuty(products=LIST, text="100¢/kg + 10%", coverage=coverage)
        wedges = compiled(duty, compound)
        assert wedges.instruments is not None
        return np.stack([wedges.instruments.specific, wedges.tariff_new])

    part, whole = specific("lines"), specific("whole")
    keys = pl.DataFrame(world_of().flow_keys()).rows()
    chn = keys.index(("850511", "CHN", "USA"))
    assert whole[:, chn] == pytest.approx([3.0 / 10.0, 0.1])
    assert part[:, chn] == pytest.approx(CHN * whole[:, chn])
    compounds = keys.index(("284690", "CHN", "USA"))
    assert part[:, compounds] == pytest.approx(whole[:, compounds])


@pytest.mark.parametrize(
    "measure",
    [
        tw.Tariff(importer="USA", products=LIST, rate=0.2, mode="set"),
        tw.Tariff(importer="USA", products=LIST, rate=2.0, mode="multiply"),
        tw.PriceFloor(importer="USA", products=LIST, multiple=1.2),
        tw.ImportQuota(importer="USA", products=LIST, fraction=0.5),
        tw.TariffRateQuota(importer="USA", products=LIST, fraction=0.5, in_rate=0, out_rate=0.2),
        tw.Exclusion(importer="USA", exporter="CHN", products=LIST),
        tw.Agreement(importer="USA", members="CHN", products=LIST, preference=0.05),
    ],
    ids=lambda measure: measure.effect(),
)
def test_what_cannot_be_partial_takes_the_code_and_says_so(measure: Measure) -> None:
    first = tw.Tariff(importer="USA", rate=0.1)
    world = world_of()
    _, match = compiled(first, measure, world=world).matches
    text = warned(compiled(first, measure, world=world))
    share = 100 * match.covered_value / match.value_base
    assert share < 90
    assert "takes whole codes, for only duties that are added" in text
    assert f"the listed tariff lines are {share:.1f} % of the value" in text


def test_set_is_the_rate_of_the_whole_code() -> None:
    flat = tw.Tariff(importer="USA", products=LIST, rate=0.2, mode="set")
    assert set(rates(compiled(flat)).values()) == {0.2}


def test_a_cap_meets_the_duty_where_it_is_charged() -> None:
    duty = tw.Tariff(importer="USA", products=LIST, rate=0.25, authority="Minerals")
    deal = tw.Agreement(importer="USA", members="JPN", products=LIST, cap=0.15)
    wedges = compiled(duty, deal)
    assert rates(wedges)["JPN", "USA"] == pytest.approx(0.15 * JPN)
    assert rates(wedges)["CHN", "USA"] == pytest.approx(0.25 * CHN)
    assert "takes whole codes" not in warned(wedges)
    spared = tw.Agreement(importer="USA", members="JPN", products=LIST, carve_out="Minerals")
    carved = compiled(duty, spared)
    assert rates(carved)["JPN", "USA"] == 0.0
    assert carved.matches[0].covered_value == pytest.approx(200 + 300 * CHN + 10 * ALL)


def test_lines_are_carried_to_another_edition_where_the_code_is_the_same() -> None:
    rows: list[Row] = [
        ("282590", "CHN", "USA", 100.0, None),
        ("282739", "CHN", "USA", 100.0, None),
        ("284990", "CHN", "USA", 100.0, None),
    ]
    old = world_of(rows, "HS1992")
    wedges = compiled(tw.Tariff(importer="USA", products="pcmdp:processed", rate=0.2), world=old)
    listed = codes.named_list("pcmdp:processed").lines
    chn = {
        product: share
        for product, partner, share in line_shares(listed).iter_rows()
        if partner == "CHN"
    }
    expected = [0.2 * chn["282590"], 0.2, 0.2 * chn["284990"]]
    assert wedges.tariff_new.tolist() == pytest.approx(expected)
    assert (
        "codes of which it holds some lines only have no one-to-one counterpart in HS1992 and are "
        "taken as a whole" in warned(wedges)
    )
    unknown = compiled(
        tw.Tariff(importer="USA", products="pcmdp:processed", rate=0.2),
        world=world_of(rows, None),
    )
    assert unknown.tariff_new[1] == pytest.approx(0.2 * chn["282739"])


def test_revenue_scales_with_the_share() -> None:
    world = tw.load_world("us_imports").select(["850511"])

    def revenue(coverage: str) -> float:
        duty = tw.Tariff(
            importer="USA",
            exporter="CHN",
            products=LIST,
            rate=0.001,
            authority="Duty",
            coverage=coverage,
        )
        result = tw.solve(world, tw.Scenario("s", [duty]), on_failure="raise")
        paid = result.transfers().filter(authority="Duty").collect()
        return float(paid["amount_new"].sum())

    assert revenue("lines") / revenue("whole") == pytest.approx(CHN, rel=5e-3)


def test_stacks_and_files() -> None:
    measures = [
        tw.Tariff(products=LIST, rate=0.2, authority="A"),
        tw.Tariff(products=LIST, rate=0.1, authority="A", coverage="whole"),
    ]
    case = tw.Scenario("s", measures)
    assert tw.Scenario.from_yaml(case.to_yaml()) == case
    assert 'coverage: "whole"' in case.to_yaml()
    wedges = compile_wedges(world_of(), case)
    assert rates(wedges)["CHN", "USA"] == pytest.approx(0.2 * CHN + 0.1)
    assert wedges.tariff_new == pytest.approx(stack(wedges.duties, wedges.tariff_new.size))
