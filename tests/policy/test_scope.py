import numpy as np
import pytest

import tradewedge as tw
from tradewedge import codes
from tradewedge.errors import ConfigError
from tradewedge.policy import Match, compile_wedges
from tradewedge.policy.measures import Measure
from tradewedge.policy.scope import Index, select


def met(world: tw.World, measure: Measure) -> set[tuple[str, str, str]]:
    rows = select(Index(world), measure, "m").rows
    assert np.all(np.diff(rows) > 0)
    return {
        (
            world.products[world.flow_product[row]],
            world.countries[world.flow_exporter[row]],
            world.countries[world.flow_importer[row]],
        )
        for row in rows
    }


def match(world: tw.World, measure: Measure) -> Match:
    return compile_wedges(world, tw.Scenario("s", [measure])).matches[0]


def refused(world: tw.World, measure: Measure, message: str, vintage: str = "") -> None:
    with pytest.raises(ConfigError, match=message):
        compile_wedges(world, tw.Scenario("case", [measure], vintage=vintage))


def test_countries_and_prefixes_cross(world: tw.World) -> None:
    assert met(world, tw.TradeCost(importer="USA", exporter="CHN", products="2846", factor=2)) == {
        ("284610", "CHN", "USA"),
        ("284690", "CHN", "USA"),
    }
    both = tw.TradeCost(exporter=["JPN", "AUS"], products=["850511", "01"], factor=2)
    assert met(world, both) == {("850511", "JPN", "USA"), ("010121", "AUS", "CHN")}


def test_everything_spares_home_and_the_customs_union(world: tw.World) -> None:
    home = {("284610", "USA", "USA"), ("284690", "CHN", "CHN")}
    union = {("284610", "DEU", "FRA"), ("850511", "FRA", "DEU")}
    plain = met(world, tw.TradeCost(factor=2))
    assert len(plain) == 10
    assert plain.isdisjoint(home | union)
    assert met(world, tw.TradeCost(factor=2, include_domestic=True)) == plain | home
    assert met(world, tw.TradeCost(factor=2, include_intra=True)) == plain | union
    everything = tw.TradeCost(factor=2, include_domestic=True, include_intra=True)
    assert met(world, everything) == plain | home | union


def test_a_group_means_its_members(world: tw.World) -> None:
    assert met(world, tw.TradeCost(exporter="EU27", factor=2)) == {("284610", "DEU", "USA")}
    assert met(world, tw.TradeCost(importer="EU27", factor=2)) == {("284610", "CHN", "DEU")}
    assert met(world, tw.TradeCost(exporter="G7", factor=2, products="85")) == {
        ("850511", "JPN", "USA")
    }


def test_home_needs_the_switch_even_when_named(world: tw.World) -> None:
    refused(world, tw.TradeCost(importer="USA", exporter="USA", factor=2), "include_domestic")
    named = tw.TradeCost(importer="USA", exporter="USA", factor=2, include_domestic=True)
    assert met(world, named) == {("284610", "USA", "USA")}


def test_flows_inside_a_union_may_be_named_one_by_one(world: tw.World) -> None:
    assert met(world, tw.TradeCost(exporter="DEU", importer=["FRA"], factor=2)) == {
        ("284610", "DEU", "FRA")
    }
    refused(world, tw.TradeCost(exporter="EU27", importer="FRA", factor=2), "customs union")
    refused(world, tw.TradeCost(exporter="DEU", importer="EU27", factor=2), "include_intra")


def test_shifts_move_home_sales_and_the_union_too(world: tw.World) -> None:
    supply = met(world, tw.SupplyShift(exporter="CHN", products="284690", factor=0.5))
    assert supply == {("284690", "CHN", importer) for importer in ("CHN", "JPN", "USA")}
    demand = met(world, tw.DemandShift(importer="EU27", factor=2))
    assert ("284610", "DEU", "FRA") in demand
    assert ("284610", "CHN", "DEU") in demand


def test_what_was_matched_is_reported(world: tw.World) -> None:
    found = match(world, tw.TradeCost(importer="USA", exporter="*", products="2846", factor=2))
    assert (found.flows, found.products, found.value_base) == (5, 2, 345.0)
    assert found.exporters == ("AUS", "CHN", "DEU")
    assert found.importers == ("USA",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"exporter": "CHM"}, r"measure 1 \(TradeCost\): exporter: unknown .*'CHM'.*CHN"),
        ({"importer": "G77"}, r"importer: unknown country code 'G77'.*groups: G7"),
        ({"exporter": "Germany"}, 'write "DEU"'),
        ({"products": "2999"}, r"products: '2999' is not in HS2017.*nearest"),
        ({"products": "284699"}, "'284699' is not in HS2017.*nearest: .*284690"),
        ({"products": "284"}, "'284' has 3 digits"),
        ({"products": "magnets"}, "unknown product 'magnets'.*an HS prefix of 2, 4 or 6 digits"),
        ({"products": "2846901000"}, 'write "284690"'),
        ({"products": "pcmdp:procesed"}, "unknown product list.*did you mean.*pcmdp:processed"),
        ({"exporter": "ATA"}, r'matches no flow of world \'small\': exporter "ATA" alone'),
        ({"products": "0102", "importer": "ATA"}, 'products "0102" and importer "ATA" alone'),
        ({"products": "01", "importer": "USA"}, 'but not products "01" with importer "USA"'),
        (
            {"products": "284690", "exporter": ["FRA", "JPN"], "importer": ["DEU", "USA"]},
            r'products 4, exporter 2, importer 10\), but not products "284690" with exporter \["F',
        ),
        (
            {"products": "284610", "exporter": ["AUS", "CHN"], "importer": ["CHN", "FRA"]},
            "but not all three together",
        ),
    ],
)
def test_a_scope_that_means_nothing_says_why(
    world: tw.World, arguments: dict, message: str
) -> None:
    refused(world, tw.TradeCost(factor=2, **arguments), message)


def test_an_empty_match_can_be_allowed(world: tw.World) -> None:
    found = match(world, tw.TradeCost(exporter="ATA", factor=2, allow_empty=True))
    assert (found.flows, found.exporters, found.value_base) == (0, (), 0.0)


def test_absent_countries_and_products_are_noted_beside_others(world: tw.World) -> None:
    measure = tw.TradeCost(exporter=["CHN", "ATA"], products=["2846", "2847"], factor=2)
    warnings = compile_wedges(world, tw.Scenario("s", [measure])).warnings
    assert any("no flow in this world for exporter ATA" in text for text in warnings)
    assert any("no flow in this world for product 2847" in text for text in warnings)


def test_a_group_matches_the_aggregate_that_equals_it(one_importer: tw.World) -> None:
    eu = {("284610", "EU27", "USA")}
    assert met(one_importer, tw.TradeCost(exporter="EU27", factor=2)) == eu
    members = codes.group_members("EU27")
    assert met(one_importer, tw.TradeCost(exporter=members, factor=2)) == eu
    covered = tw.TradeCost(exporter=["EU27", "G7"], factor=2)
    assert {e for _, e, _ in met(one_importer, covered)} == {"EU27", "GBR", "JPN"}


def test_a_member_inside_an_aggregate_is_refused(one_importer: tw.World) -> None:
    refused(
        one_importer,
        tw.TradeCost(exporter="DEU", factor=2),
        'exporter: .* holds DEU only as part of EU27. Name "EU27" as a whole',
    )
    refused(
        one_importer,
        tw.TradeCost(exporter="G7", factor=2),
        "DEU, FRA, ITA only as part of EU27, so G7 cannot be told apart.*list the countries",
    )


def test_one_observed_importer_is_explained(one_importer: tw.World) -> None:
    refused(
        one_importer,
        tw.TradeCost(importer="CHN", factor=2),
        r'importer "CHN" alone matches none\. This world sees only the imports of USA\.',
    )


def test_products_by_name_where_they_are_no_codes(sectors: tw.World) -> None:
    assert met(sectors, tw.TradeCost(products="Mining", exporter="CHN", factor=2)) == {
        ("Mining", "CHN", "AUS")
    }
    refused(sectors, tw.TradeCost(products="Minning", factor=2), "'Minning'.*nearest: Mining")
    refused(
        sectors,
        tw.TradeCost(products="28", factor=2),
        "unknown product '28'.*a product of this world",
    )


def test_named_flows_that_a_union_keeps_out_are_noted(world: tw.World) -> None:
    measure = tw.TradeCost(exporter="DEU", factor=2)
    (note,) = compile_wedges(world, tw.Scenario("s", [measure])).warnings
    assert "inside a customs union: 1 flow(s) of countries that it names" in note
    everywhere = tw.TradeCost(factor=2)
    assert compile_wedges(world, tw.Scenario("s", [everywhere])).warnings == ()


def found_in(world: tw.World, products: str | list[str], vintage: str = "") -> set[str]:
    case = tw.Scenario("s", [tw.TradeCost(products=products, factor=2)], vintage=vintage)
    touched = compile_wedges(world, case).touched_products
    return {world.products[k] for k in np.flatnonzero(touched)}


def test_dots_in_codes_are_read(old_edition: tw.World) -> None:
    assert found_in(old_edition, "8505.11") == {"850511"}


def test_codes_of_another_edition_are_translated(old_edition: tw.World) -> None:
    assert found_in(old_edition, ["854143", "2846"], "HS2022") == {"284690", "854140"}
    case = tw.Scenario("s", [tw.TradeCost(products="854143", factor=2)], vintage="hs2022")
    assert case.vintage == "HS2022"
    warnings = "; ".join(compile_wedges(old_edition, case).warnings)
    assert "854143: 1 codes of HS2022 have no one-to-one counterpart in HS2017" in warnings
    assert "854143: 1 of the counterparts also hold goods outside it: 854140" in warnings
    refused(old_edition, tw.TradeCost(products="854143", factor=2), "'854143' is not in HS2017")
    refused(old_edition, tw.TradeCost(products="854140", factor=2), "is not in HS2022", "HS2022")


def test_an_edition_needs_a_world_that_knows_its_own(no_edition: tw.World) -> None:
    assert found_in(no_edition, "2846") == {"284690"}
    measure = tw.TradeCost(products="2846", factor=2)
    refused(no_edition, measure, "does not say its HS edition", "HS2022")
    refused(no_edition, tw.TradeCost(products="2847", factor=2), "unknown product '2847'.*2846")
    case = tw.Scenario("s", [tw.TradeCost(products="chain:rare_earths", factor=2)])
    wedges = compile_wedges(no_edition, case)
    assert any("HS2022 codes taken as written" in text for text in wedges.warnings)


@pytest.mark.parametrize("name", ["pcmdp:processed", "PCMDP:Processed"])
def test_named_lists_meet_the_worlds_edition(old_edition: tw.World, name: str) -> None:
    assert found_in(old_edition, name) == {"284690"}
    case = tw.Scenario("s", [tw.TradeCost(products=name, factor=2)])
    warnings = "; ".join(compile_wedges(old_edition, case).warnings)
    assert "pcmdp:processed is not law (as if): " in warnings
    assert "pcmdp:processed: no flow in this world for" in warnings
    both = found_in(old_edition, [name, "8505"])
    assert both == {"284690", "850511"}


def test_an_empty_list_match_is_an_error(old_edition: tw.World) -> None:
    refused(
        old_edition,
        tw.TradeCost(products="chain:uranium", factor=2),
        'products "chain:uranium" alone matches none',
    )
