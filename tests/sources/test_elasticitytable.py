"""Conventions of elasticities: read as declared, refused where undeclared or impossible."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tradewedge as tw
from tradewedge.errors import DataError
from tradewedge.sources import elasticity_set
from tradewedge.sources.elasticitytable import (
    as_sigma,
    completed,
    joined,
    read_elasticities,
    told,
)

SIGMAS = st.lists(st.floats(1.01, 60), min_size=1, max_size=8)


def frame(**columns: list[object]) -> pl.DataFrame:
    size = len(next(iter(columns.values())))
    return pl.DataFrame({"product": [f"{k:06d}" for k in range(size)], **columns})


@given(SIGMAS)
def test_all_conventions_of_one_sigma_agree(sigmas: list[float]) -> None:
    sigma = np.array(sigmas)
    plain = as_sigma(frame(sigma=list(sigma)))["sigma"].to_numpy()
    theta = as_sigma(frame(theta=list(sigma - 1)))["sigma"].to_numpy()
    protee = as_sigma(frame(tariff_elasticity=list(-sigma)))["sigma"].to_numpy()
    np.testing.assert_array_equal(plain, sigma)
    np.testing.assert_array_equal(protee, sigma)
    np.testing.assert_allclose(theta, sigma, rtol=1e-15)


@given(SIGMAS, st.data())
def test_rows_may_differ(sigmas: list[float], data: st.DataObject) -> None:
    kinds = {"sigma": lambda s: s, "theta": lambda s: s - 1, "tariff_elasticity": lambda s: -s}
    chosen = [data.draw(st.sampled_from(sorted(kinds))) for _ in sigmas]
    values = [kinds[kind](s) for kind, s in zip(chosen, sigmas, strict=True)]
    made = as_sigma(frame(elasticity=values, convention=chosen))
    np.testing.assert_allclose(made["sigma"].to_numpy(), sigmas, rtol=1e-15)
    assert made.columns == ["product", "sigma", "source"] or set(chosen) == {"sigma"}


def test_a_converted_row_says_so() -> None:
    made = as_sigma(frame(theta=[4.0, None], sigma=[None, 3.0], source=["ICIO", None]))
    assert made["source"].to_list() == ["ICIO, given as theta", "user table"]
    assert made["sigma"].to_list() == [5.0, 3.0]
    assert "theta" not in made.columns


def test_a_missing_number_stays_missing() -> None:
    made = as_sigma(frame(tariff_elasticity=[-4.0, None]))
    assert made["sigma"].to_list() == [4.0, None]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"elasticity": [4.0]}, r"does not say which one it is.*theta \(sigma - 1"),
        ({"eta": [1.0]}, "no column 'sigma'.*declares what its numbers are"),
        (
            {"elasticity": [4.0], "convention": ["thetta"]},
            "convention 'thetta' is not known; nearest: theta",
        ),
        ({"elasticity": [4.0], "convention": [None]}, "convention None is not known"),
        ({"sigma": [-12.1]}, "sigma is below 0.*'000000' .*name the column tariff_elasticity"),
        ({"theta": [-4.0]}, "theta is below 0.*turn the sign"),
        ({"tariff_elasticity": [4.0]}, "tariff_elasticity is above 0.*leave the row out"),
        ({"sigma": [5.0], "theta": [4.0]}, "product '000000' has sigma and theta: give one"),
        ({"theta": ["four"]}, "theta must be numbers"),
    ],
)
def test_undeclared_or_impossible(columns: dict[str, list[object]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        as_sigma(frame(**columns))


def test_a_world_takes_any_of_them(small_world: tw.World) -> None:
    rest = {"product": [""], "eta": [0.5], "epsilon": [1.0]}
    worlds = [
        small_world.with_elasticities(pl.DataFrame(rest | named))
        for named in ({"sigma": [5.0]}, {"theta": [4.0]}, {"tariff_elasticity": [-5.0]})
    ]
    assert [world.sigma.tolist() for world in worlds] == [[5.0, 5.0]] * 3
    assert worlds[0].data_hash == worlds[1].data_hash == worlds[2].data_hash


def test_files_and_back(small_world: tw.World, tmp_path: Path) -> None:
    """What a world takes from a csv, a Parquet file and a description of one is the same."""
    table = pl.DataFrame(
        {
            "product": ["", "2846"],
            "theta": [2.25, 1 / 3],
            "eta": [1.0, 0.5],
            "epsilon": [1.0, float("inf")],
            "source": ["a", "b"],
        }
    )
    table.write_csv(tmp_path / "mine.csv")
    table.write_parquet(tmp_path / "mine.parquet")
    table.rename({"product": "HS", "theta": "Theta"}).write_csv(tmp_path / "other.csv")
    (tmp_path / "mine.yaml").write_text(
        'path: "other.csv"\ncolumns: {product: "HS", theta: "Theta"}\n'
    )
    wanted = small_world.with_elasticities(table)
    assert wanted.sigma.tolist() == [1 / 3 + 1, 3.25]
    for name in ("mine.csv", "mine.parquet", "mine.yaml"):
        made = small_world.with_elasticities(tmp_path / name)
        assert made.data_hash == wanted.data_hash
        assert made.elasticities.set_name == name
        assert made.elasticities.source == wanted.elasticities.source


def test_protee_itself_under_a_description(shared_dir: Path, tmp_path: Path) -> None:
    """CEPII's file calls its negative elasticities sigma: as they are they are refused."""
    place = shared_dir / "data" / "trade_elasticities" / "ProTEE_0_1.csv"
    text = (
        'path: "{}"\ncolumns: {{product: "HS6", {}: "sigma"}}\n'
        'constants: {{eta: "1.0", epsilon: "1.0", source: "ProTEE 0.1"}}\n'
    )
    (tmp_path / "wrong.yaml").write_text(text.format(place, "sigma"))
    with pytest.raises(DataError, match=r"sigma is below 0.*tariff_elasticity"):
        as_sigma(read_elasticities(tmp_path / "wrong.yaml"))
    (tmp_path / "right.yaml").write_text(text.format(place, "tariff_elasticity"))
    # 122 products are flagged as positive there; their numbers are averages, and negative.
    made = as_sigma(read_elasticities(tmp_path / "right.yaml"))
    assert made.height == 5050
    assert made["sigma"].median() == pytest.approx(7.89, abs=0.01)
    assert made.filter(product="284690")["sigma"].item() == pytest.approx(17.350315)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("mine.xlsx", "", "read from .csv or .parquet"),
        ("mine.csv", "product,sgima\n2846,5\n", "unknown column sgima; nearest: sigma"),
        ("mine.csv", "product,sigma\n2846,high\n", "line 2: sigma is not a number: 'high'"),
        ("mine.csv", "product,sigma\n10121,5\n", "a leading zero may be lost: '10121'"),
        ("mine.csv", "sigma\n5\n", "no column product"),
    ],
)
def test_bad_files(name: str, text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        read_elasticities(tmp_path / name)


class TestCompleted:
    base = pl.DataFrame(
        {
            "product": ["", "28", "284610", "284690", "850511"],
            "sigma": [6.0, 7.0, 8.0, 9.0, 10.0],
            "eta": [1.0, 0.3, 0.3, 0.3, 1.0],
            "epsilon": [1.0] * 5,
            "source": ["sigma: prior; eta: judgement; epsilon: judgement"] * 5,
            "standard_error": [3.0] * 5,
        }
    )

    def test_a_prefix_counts_for_all_codes_below(self, small_world: tw.World) -> None:
        own = pl.DataFrame(
            {"product": ["2846"], "sigma": [4.0], "standard_error": [0.5], "source": ["estimate"]}
        )
        made = completed(own, self.base)
        assert made.columns == ["product", "sigma", "eta", "epsilon", "source", "standard_error"]
        found = {row["product"]: row for row in made.iter_rows(named=True)}
        assert found["2846"]["sigma"] == 4.0
        assert found["284690"]["sigma"] is found["284690"]["standard_error"] is None
        assert found["284690"]["eta"] == 0.3
        assert found["850511"]["sigma"] == 10.0
        world = small_world.with_elasticities(made)
        assert world.sigma.tolist() == [4.0, 10.0]
        assert world.elasticities.sigma_standard_error.tolist() == [0.5, 3.0]
        assert world.eta.tolist() == [0.3, 1.0]
        assert world.elasticities.source[0] == (
            "sigma: estimate; eta: judgement; epsilon: judgement"
        )

    def test_a_row_of_the_same_code_is_put_together(self) -> None:
        own = pl.DataFrame({"product": ["284690"], "sigma": [4.0], "source": [None]})
        made = completed(own.cast({"source": pl.String}), self.base).filter(product="284690")
        assert made.row(0)[:4] == ("284690", 4.0, 0.3, 1.0)
        assert made["standard_error"].item() is None  # the base's is that of another number
        assert made["source"].item() == "sigma: user table; eta: judgement; epsilon: judgement"

    def test_everything_at_once(self) -> None:
        own = pl.DataFrame({"product": [""], "sigma": [4.0], "source": ["pooled"]})
        assert completed(own, self.base)["sigma"].drop_nulls().to_list() == [4.0]

    def test_nothing_changes_a_shipped_set(self) -> None:
        base = elasticity_set("central", "HS2022")
        own = base.clear().select("product", "sigma", "source")
        assert completed(own, base).equals(base)


def test_texts_of_sources() -> None:
    text = "sigma: a; b; eta: c; epsilon: d"
    assert [told(text, name) for name in ("sigma", "eta", "epsilon")] == ["a; b", "c", "d"]
    assert told("a book; page 3", "eta") == "a book; page 3"
    assert told("3 years; sigma: a", "sigma") == "3 years; a"
    assert joined({"sigma": "a; b", "eta": "c", "epsilon": "d"}) == text
    assert joined({"sigma": "a", "eta": "a"}) == "a"
