"""What the model made itself it must predict; the right sigma must win."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from tradewedge import backtest
from tradewedge.backtest import shrinkage
from tradewedge.backtest.experiment import find
from tradewedge.backtest.observed import change, imports
from tradewedge.backtest.setting import Worlds
from tradewedge.backtest.training import pairs_for, train
from tradewedge.backtest.trial import Backtest
from tradewedge.errors import ConfigError

Make = Callable[..., Any]


def trial(made: Any, **changes: Any) -> Backtest:
    settings = {"models": ("armington",), "draws": 50, "train": False} | changes
    return backtest.run(made.experiment, before=made.before, after=made.after, **settings)


def of(found: Backtest, what: str, sigma: str = "product") -> dict[str, Any]:
    return found.scores.row(
        by_predicate=(pl.col("what") == what) & (pl.col("sigma") == sigma), named=True
    )


def test_own_truth_is_predicted(truth: Make) -> None:
    found = trial(truth())
    for what in ("supplier_shares", "target_shares", "import_value", "unit_value"):
        row = of(found, what)
        assert row["error"] < 1e-9 < row["error_no_change"], what
        assert row["skill"] == pytest.approx(1.0), what
        if what != "supplier_shares":  # where suppliers that are not hit move alike, up to rounding
            assert row["spearman"] == pytest.approx(1.0), what
            assert row["kendall"] == pytest.approx(1.0), what
            assert row["sign_hits"] == 1.0, what
    assert found.sigmas["product"].to_list() == list(truth().before.products)
    assert found.sigmas["sigma_product"].to_numpy() == pytest.approx(np.geomspace(2.0, 9.0, 8))
    assert found.sigmas["sigma_flat"].to_numpy() == pytest.approx(np.sqrt(18.0))
    flat = of(found, "target_shares", "flat")
    assert flat["skill"] < 0.999
    duel = found.duels.row(
        by_predicate=(pl.col("what") == "target_shares") & pl.col("second").str.ends_with("flat"),
        named=True,
    )
    assert duel["gain_low"] > 0.9


def test_common_growth_moves_no_score(truth: Make) -> None:
    still, grown = trial(truth()), trial(truth(growth=1.7))
    for what in ("supplier_shares", "target_shares", "import_value", "unit_value"):
        assert of(grown, what)["error"] < 1e-9, what
        assert of(grown, what)["error_no_change"] == pytest.approx(
            of(still, what)["error_no_change"]
        )
    gross = grown.totals.filter(sigma="product")
    assert (gross["value_gross_observed"] - gross["value_gross_predicted"]).to_numpy() == (
        pytest.approx(np.log(1.7))
    )


@pytest.mark.parametrize(("flat", "weight"), [(None, 0.0), (4.2426406871, 1.0)])
def test_training_picks_the_right_mixture(
    truth: Make, monkeypatch: pytest.MonkeyPatch, flat: float | None, weight: float
) -> None:
    monkeypatch.setattr(shrinkage, "WEIGHTS", (0.0, 0.5, 1.0))
    monkeypatch.setattr(shrinkage, "SCALES", (0.5, 1.0, 2.0))
    made = truth(flat=flat)
    told = replace(made.experiment, training=((1, 2),))
    worlds = Worlds(None, {1: made.before, 2: made.after})
    chosen = train(told, backtest.Plan(draws=20), worlds, lambda *_: None)
    assert chosen is not None
    assert (chosen.chosen.weight, chosen.chosen.scale) == (weight, 1.0)
    assert chosen.at_full_scale.weight == weight
    assert chosen.grid["error"].min() == pytest.approx(0.0, abs=1e-9)
    assert chosen.grid["chosen_share"].sum() == pytest.approx(1.0)


def test_what_is_reported_is_never_trained_on() -> None:
    told = find("us_china_2018")
    assert pairs_for(told, told) == [(2018, 2020), (2018, 2021)]
    longer = replace(told, after=2021)
    assert pairs_for(longer, longer) == [(2018, 2020)]
    other = find("rare_earths")
    assert pairs_for(other, told) == [(2018, 2019), (2018, 2020), (2018, 2021)]


def test_linear_models_are_scored_where_they_answer(truth: Make) -> None:
    found = trial(truth(), models=("armington", "gsim", "smart"))
    assert set(found.scores["model"]) == {"armington", "gsim", "smart"}
    for row in found.scores.filter(model="smart", sigma="product", sample="all").iter_rows(
        named=True
    ):
        assert 0 < row["products"] < 8
    assert any("smart with sigma product: no answer" in text for text in found.remarks)
    common = found.scores.filter(sample="common", sigma="product", what="target_shares")
    assert common["products"].n_unique() == 1


def test_controls_hold_touched_and_untouched(truth: Make) -> None:
    made = truth()
    few = made.experiment.record()
    few["scenarios"][0]["measures"][0]["products"] = ["2602", "2603", "2604"]
    found = trial(replace(made, experiment=backtest.Experiment.from_dict(few)))
    touched = found.controls.filter("touched")
    assert sorted(touched["product"]) == ["260200", "260300", "260400"]
    assert found.controls.height == 8
    assert set(found.controls["exporter"]) == {"CHN"}


def test_shares_and_net_changes_by_hand() -> None:
    schema = ["product", "importer", "exporter", "value", "quantity"]
    first = pl.DataFrame(
        [("p", "A", "X", 60.0, 6.0), ("p", "A", "Y", 40.0, None), ("p", "B", "X", 10.0, 1.0)],
        schema=schema,
        orient="row",
    )
    second = pl.DataFrame(
        [("p", "A", "X", 30.0, 2.0), ("p", "A", "Z", 30.0, 2.0), ("p", "B", "X", 20.0, 4.0)],
        schema=schema,
        orient="row",
    )
    found = change(first, second)
    shares = found.shares.filter(importer="A").rows()
    assert [(row[2], row[3], row[4]) for row in shares] == [
        ("X", 0.6, 0.5),
        ("Y", 0.4, 0.0),
        ("Z", 0.0, 0.5),
    ]
    row = found.totals.row(by_predicate=pl.col("importer") == "A", named=True)
    assert row["value_gross"] == pytest.approx(np.log(0.6))
    assert row["value"] == pytest.approx(np.log(0.6) - np.log(2.0))
    assert row["unit_value_gross"] == pytest.approx(np.log(15.0 / 10.0))
    assert row["unit_value"] == pytest.approx(np.log(1.5) - np.log(0.5))


def test_home_sales_are_no_imports(random_world: Make) -> None:
    world = random_world(1)
    table = imports(world, world.products)
    assert table.filter(pl.col("importer") == pl.col("exporter")).is_empty()


def test_years_in_two_editions_are_refused(truth: Make) -> None:
    made = truth()
    later = replace(made.after, vintage="HS2017")
    with pytest.raises(ConfigError, match="HS1992, 2019 of HS2017: build both"):
        trial(replace(made, after=later))


@pytest.mark.parametrize(
    ("change_", "text"),
    [
        ({"models": ("gravity",)}, "there are armington"),
        ({"draws": 0}, "draws must be 1"),
    ],
)
def test_bad_plans(truth: Make, change_: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        trial(truth(), **change_)
