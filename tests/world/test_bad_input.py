"""Bad tables: the message says what is wrong, where, and what to do."""

import re
from pathlib import Path

import polars as pl
import pytest

import tradewedge as tw
from tradewedge.errors import SuspiciousRateWarning

NAN, INF = float("nan"), float("inf")


def put(frame: pl.DataFrame, row: int, **values: object) -> pl.DataFrame:
    """The frame with some cells of one row replaced."""
    columns = {name: frame[name].to_list() for name in frame.columns}
    for name, value in values.items():
        columns[name][row] = value
    return pl.DataFrame(columns, schema=frame.schema)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"value": None}, "value is missing in 1 row(s), first in data row 5"),
        ({"value": NAN}, "value is missing in 1 row(s), first in data row 5"),
        ({"value": -300.0}, "value is negative in 1 row(s), first in data row 5"),
        ({"value": INF}, "value is infinite in 1 row(s), first in data row 5"),
        ({"quantity": -1.0}, "quantity is negative in 1 row(s), first in data row 5"),
        ({"quantity": INF}, "quantity is not a number in 1 row(s), first in data row 5"),
        ({"quantity": NAN}, "quantity is not a number in 1 row(s), first in data row 5"),
        ({"importer": None}, "importer is missing in 1 row(s), first in data row 5"),
        ({"product": ""}, "product is missing in 1 row(s), first in data row 5"),
        ({"exporter": "  "}, "exporter is missing in 1 row(s), first in data row 5"),
    ],
)
def test_a_bad_cell_is_found(
    values: dict[str, object], message: str, flows: pl.DataFrame, elasticities: pl.DataFrame
) -> None:
    with pytest.raises(tw.DataError, match=re.escape(f"flows: {message}")) as caught:
        tw.World.from_flows(put(flows, 4, **values), elasticities)
    others = {"product": "284690", "exporter": "CHN", "importer": "USA"}
    for key in others.keys() - values.keys():
        assert f"{key}={others[key]}" in str(caught.value)


def test_all_bad_rows_are_counted(flows: pl.DataFrame, elasticities: pl.DataFrame) -> None:
    bad = put(put(flows, 4, value=-1.0), 6, value=-2.0)
    with pytest.raises(tw.DataError, match=r"in 2 row\(s\), first in data row 5"):
        tw.World.from_flows(bad, elasticities)


def test_duplicate_keys(flows: pl.DataFrame, elasticities: pl.DataFrame) -> None:
    with pytest.raises(
        tw.DataError,
        match=r"flows: 2 rows share their key .*product=284610 exporter=CHN importer=USA.*add them",
    ):
        tw.World.from_flows(pl.concat([flows, flows.head(1)]), elasticities)


def test_unknown_country_gets_its_nearest(flows: pl.DataFrame, elasticities: pl.DataFrame) -> None:
    with pytest.raises(tw.DataError, match=r"unknown country 'CHNN'; nearest: .*CHN.*aggregates="):
        tw.World.from_flows(put(flows, 0, exporter="CHNN"), elasticities)


def test_unknown_product_of_a_vintage_gets_its_nearest(
    flows: pl.DataFrame, elasticities: pl.DataFrame
) -> None:
    wrong = put(put(flows, 0, product="284691"), 1, product="284699")
    with pytest.raises(
        tw.DataError, match=r"2 product code\(s\) not in HS2017, such as '284691'; nearest: 284690"
    ):
        tw.World.from_flows(wrong, elasticities, vintage="HS2017")
    tw.World.from_flows(wrong, elasticities)  # without a vintage any text is a product


def test_unknown_vintage(flows: pl.DataFrame, elasticities: pl.DataFrame) -> None:
    with pytest.raises(tw.ConfigError, match=r"HS2018.*HS2017"):
        tw.World.from_flows(flows, elasticities, vintage="HS2018")


def test_numbers_are_not_codes(flows: pl.DataFrame, elasticities: pl.DataFrame) -> None:
    with pytest.raises(tw.DataError, match=r"column 'product' is Int64.*\"010121\", not 10121"):
        tw.World.from_flows(flows.with_columns(pl.col("product").cast(pl.Int64)), elasticities)


def test_words_are_not_numbers(flows: pl.DataFrame, elasticities: pl.DataFrame) -> None:
    with pytest.raises(tw.DataError, match=r"flows: value and quantity must be numbers"):
        tw.World.from_flows(flows.with_columns(value=pl.lit("a lot")), elasticities)


def test_a_missing_column_gets_its_nearest(flows: pl.DataFrame, elasticities: pl.DataFrame) -> None:
    with pytest.raises(tw.DataError, match=r"no column 'importer'.*did you mean importers"):
        tw.World.from_flows(flows.rename({"importer": "importers"}), elasticities)


@pytest.mark.parametrize("keep", [0, 1])
def test_nothing_to_trade(keep: int, flows: pl.DataFrame, elasticities: pl.DataFrame) -> None:
    nothing = flows.with_columns(value=pl.lit(0.0)).head(keep)
    with pytest.raises(tw.DataError, match=r"flows: no row with a positive value"):
        tw.World.from_flows(nothing, elasticities)


def test_an_unreadable_file_is_named(tmp_path: Path, elasticities: pl.DataFrame) -> None:
    path = tmp_path / "flows.parquet"
    path.write_bytes(b"this is not Parquet")
    with pytest.raises(tw.DataError, match=r"flows: cannot be read"):
        tw.World.from_flows(pl.scan_parquet(path), elasticities)


class TestTariffs:
    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"rate": None}, "tariffs: rate is missing in 1 row(s), first in data row 3"),
            ({"rate": NAN}, "tariffs: rate is missing in 1 row(s), first in data row 3"),
            ({"rate": INF}, "tariffs: rate is infinite in 1 row(s), first in data row 3"),
            ({"rate": -1.0}, "tariffs: rate is not above -1 in 1 row(s), first in data row 3"),
            ({"importer": None}, "tariffs: importer is missing in 1 row(s), first in data row 3"),
            ({"authority": ""}, "tariffs: authority is missing in 1 row(s), first in data row 3"),
        ],
    )
    def test_a_bad_cell_is_found(
        self,
        values: dict[str, object],
        message: str,
        flows: pl.DataFrame,
        elasticities: pl.DataFrame,
        tariffs: pl.DataFrame,
    ) -> None:
        with pytest.raises(tw.DataError, match=re.escape(message)):
            tw.World.from_flows(flows, elasticities, put(tariffs, 2, **values))

    def test_a_percentage_is_suspicious(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame, tariffs: pl.DataFrame
    ) -> None:
        with pytest.warns(SuspiciousRateWarning, match=r"above 1.*such as 25 at .*25 % is 0.25"):
            world = tw.World.from_flows(flows, elasticities, put(tariffs, 2, rate=25.0))
        assert world.tariff_base.max() == 25.0

    def test_low_percentages_are_suspicious_together(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame, tariffs: pl.DataFrame
    ) -> None:
        low = tariffs.with_columns(rate=pl.lit(3.2))
        says = (
            r"5 of 5 rate\(s\) are above 1, which is 100 %, such as 3.2 at .*, 3.2 at .*mean over"
        )
        with pytest.warns(SuspiciousRateWarning, match=says):
            tw.World.from_flows(flows, elasticities, low)

    def test_a_peak_among_many_is_not_suspicious(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame, tariffs: pl.DataFrame
    ) -> None:
        many = pl.concat(
            [tariffs.with_columns(pl.col("authority") + number, rate=0.1) for number in "123"]
        )
        world = tw.World.from_flows(flows, elasticities, put(many, 2, rate=1.5))
        assert world.tariff_base.max() > 1

    def test_duplicates(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame, tariffs: pl.DataFrame
    ) -> None:
        with pytest.raises(tw.DataError, match=r"tariffs: 2 rows share their key .*authority"):
            tw.World.from_flows(flows, elasticities, pl.concat([tariffs, tariffs.head(1)]))

    def test_unknown_country(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame, tariffs: pl.DataFrame
    ) -> None:
        with pytest.raises(tw.DataError, match=r"tariffs: unknown country 'UAS'; nearest: .*USA"):
            tw.World.from_flows(flows, elasticities, put(tariffs, 0, importer="UAS"))

    def test_numbers_are_not_codes(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame, tariffs: pl.DataFrame
    ) -> None:
        with pytest.raises(tw.DataError, match=r"tariffs: column 'product' is Int64"):
            tw.World.from_flows(
                flows, elasticities, tariffs.with_columns(pl.col("product").cast(pl.Int64))
            )

    def test_words_are_not_rates(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame, tariffs: pl.DataFrame
    ) -> None:
        with pytest.raises(tw.DataError, match=r"tariffs: rate must be numbers"):
            tw.World.from_flows(flows, elasticities, tariffs.with_columns(rate=pl.lit("5 %")))

    def test_reliefs_may_not_take_more_than_everything(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame, tariffs: pl.DataFrame
    ) -> None:
        low = put(put(tariffs, 0, rate=-0.6), 1, rate=-0.5)
        with pytest.raises(tw.DataError, match=r"all authorities sum to -1.1 at product=284610"):
            tw.World.from_flows(flows, elasticities, low)


class TestElasticities:
    def check(self, flows: pl.DataFrame, message: str, **columns: list[object]) -> None:
        default: dict[str, list[object]] = {
            "product": [""],
            "sigma": [5.0],
            "eta": [0.5],
            "epsilon": [1.5],
        }
        with pytest.raises(tw.DataError, match=message):
            tw.World.from_flows(flows, pl.DataFrame(default | columns))

    @pytest.mark.parametrize("sigma", [0.0, NAN, INF])
    def test_sigma_is_positive(self, sigma: float, flows: pl.DataFrame) -> None:
        self.check(flows, r"sigma must be positive.*2 product\(s\): 284610, 284690", sigma=[sigma])

    @pytest.mark.parametrize("eta", [-0.1, NAN, INF])
    def test_eta_is_not_negative(self, eta: float, flows: pl.DataFrame) -> None:
        self.check(flows, "eta must be 0 or more and finite", eta=[eta])

    @pytest.mark.parametrize("epsilon", [-0.1, NAN])
    def test_epsilon_is_not_negative(self, epsilon: float, flows: pl.DataFrame) -> None:
        self.check(flows, "epsilon must be 0 or more", epsilon=[epsilon])

    def test_eta_and_epsilon_are_not_both_zero(self, flows: pl.DataFrame) -> None:
        self.check(flows, "eta and epsilon cannot both be 0", eta=[0], epsilon=[0])

    def test_one_exporter_without_supply_is_enough(self, flows: pl.DataFrame) -> None:
        self.check(
            flows,
            r"cannot both be 0.*1 product\(s\): 284610",
            product=["", "284610"],
            exporter=[None, "CHN"],
            sigma=[5.0, None],
            eta=[0.0, None],
            epsilon=[1.0, 0.0],
        )

    def test_a_product_without_a_row(self, flows: pl.DataFrame) -> None:
        self.check(
            flows,
            "give product '284690' no sigma and no eta and no epsilon: add a row",
            product=["284610"],
        )

    def test_a_product_without_one_number(self, flows: pl.DataFrame) -> None:
        self.check(flows, "give product '284610' no eta: add a row", eta=[None])

    def test_two_rows(self, flows: pl.DataFrame) -> None:
        self.check(
            flows,
            "elasticities: 2 rows share their key .*product=284610",
            product=["284610"] * 2,
            sigma=[5.0] * 2,
            eta=[0.5] * 2,
            epsilon=[1.5] * 2,
        )

    def test_missing_column(self, flows: pl.DataFrame) -> None:
        with pytest.raises(tw.DataError, match=r"elasticities: no column 'epsilon'"):
            tw.World.from_flows(flows, pl.DataFrame({"product": [""], "sigma": [2], "eta": [1]}))

    def test_missing_product(self, flows: pl.DataFrame) -> None:
        self.check(flows, "elasticities: product is missing", product=[None])

    def test_numbers_are_not_codes(self, flows: pl.DataFrame) -> None:
        self.check(flows, "elasticities: column 'product' is Int64", product=[2846])

    def test_words_are_not_numbers(self, flows: pl.DataFrame) -> None:
        self.check(flows, "must be numbers", sigma=["high"])

    def test_unknown_exporter(self, flows: pl.DataFrame) -> None:
        self.check(
            flows,
            "elasticities: unknown country 'CHNN'; nearest: .*CHN",
            product=["", ""],
            exporter=[None, "CHNN"],
            sigma=[5.0, None],
            eta=[0.5, None],
            epsilon=[1.5, 1.0],
        )

    def test_sigma_does_not_differ_by_exporter(self, flows: pl.DataFrame) -> None:
        self.check(
            flows,
            "exporter is named, but sigma and eta hold for all exporters",
            product=["", ""],
            exporter=[None, "CHN"],
            sigma=[5.0, 2.0],
            eta=[0.5, None],
            epsilon=[1.5, 1.0],
        )

    def test_unknown_set(self, flows: pl.DataFrame) -> None:
        with pytest.raises(tw.ConfigError, match=r"centrall.*Did you mean 'central'"):
            tw.World.from_flows(flows, "centrall")


class TestHomeShare:
    @pytest.mark.parametrize("share", [-0.1, 1.1, NAN, None])
    def test_a_share_is_between_0_and_1(
        self, share: float | None, flows: pl.DataFrame, elasticities: pl.DataFrame
    ) -> None:
        table = pl.DataFrame({"product": ["284690"], "home_share": [share]})
        with pytest.raises(tw.DataError, match=r"home_share is not between 0 and 1.*284690"):
            tw.World.from_flows(flows, elasticities, home_share=table)

    def test_one_row_per_product(self, flows: pl.DataFrame, elasticities: pl.DataFrame) -> None:
        table = pl.DataFrame({"product": ["284690"] * 2, "home_share": [0.1, 0.2]})
        with pytest.raises(tw.DataError, match=r"home_share: 2 rows share their key"):
            tw.World.from_flows(flows, elasticities, home_share=table)
