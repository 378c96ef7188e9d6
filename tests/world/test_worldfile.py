"""A world on disk: complete or not there, mapped into memory, the same as before."""

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import tradewedge as tw
from tradewedge import worldfile
from tradewedge.duty import Duty


@pytest.fixture
def saved(world: tw.World, tmp_path: Path) -> Path:
    return world.save(tmp_path / "small")


def mapped_file(array: np.ndarray) -> Path | None:
    """The file behind an array, if its memory is a file's."""
    base: object = array
    while base is not None:
        if isinstance(base, np.memmap) and base.filename:
            return Path(str(base.filename))
        base = getattr(base, "base", None)
    return None


def test_round_trip(world: tw.World, saved: Path) -> None:
    back = tw.load_world(saved)
    assert replace(back).data_hash == world.data_hash  # of its arrays, not as it was written
    assert repr(back) == repr(world)
    assert back.tariff_importers == world.tariff_importers
    assert back.elasticities.source == world.elasticities.source
    assert back.elasticities.eta_kind == world.elasticities.eta_kind
    assert_frame_equal(back.flows().collect(), world.flows().collect())
    assert_frame_equal(back.audit, world.audit)


def test_every_attribute_survives(
    flows: pl.DataFrame, elasticities: pl.DataFrame, tmp_path: Path
) -> None:
    world = tw.World.from_flows(
        flows.filter(pl.col("importer") == "USA"),
        elasticities,
        name="all of it",
        vintage="HS2017",
        tariff_importers="*",
        observed_importers=["USA"],
        aggregates={"EU27": ["FRA", "ITA"]},
        home_share=pl.DataFrame({"product": ["284690"], "home_share": [0.3]}),
        critical=["284610"],
        notes=["one", "two"],
    )
    back = tw.load_world(world.save(tmp_path / "w"))
    for name in ("name", "year", "vintage", "tariff_importers", "observed_importers", "notes"):
        assert getattr(back, name) == getattr(world, name)
    assert back.aggregates == world.aggregates
    assert back.critical is not None
    assert back.critical.tolist() == [True, False]
    np.testing.assert_array_equal(back.elasticities.home_share, world.elasticities.home_share)
    # The composite's eta is still there to be replaced.
    assert back.with_elasticities(eta=2.0).data_hash == world.with_elasticities(eta=2.0).data_hash


def test_a_world_without_duties(
    flows: pl.DataFrame, elasticities: pl.DataFrame, tmp_path: Path
) -> None:
    world = tw.World.from_flows(flows, elasticities)
    back = tw.load_world(world.save(tmp_path / "w"))
    assert back.duties == ()
    assert back.tariff_importers == frozenset()


def test_arrays_are_mapped_and_read_only(saved: Path) -> None:
    back = tw.load_world(saved)
    for name in ("flow_product", "flow_exporter", "flow_importer", "value", "quantity"):
        array = getattr(back, name)
        assert mapped_file(array) == saved / f"{name}.npy"
        assert not array.flags.writeable
    assert mapped_file(back.duties[0].rows) == saved / "duty_rows.npy"
    assert mapped_file(back.market.share) == saved / "share.npy"


class TestDerived:
    """Rows and shares are read, not worked out, and are the same."""

    def same(self, one: tw.World, other: tw.World) -> None:
        for name in ("flow_exporter", "flow_importer", "share", "sales_share", "home"):
            np.testing.assert_array_equal(getattr(one.market, name), getattr(other.market, name))
        np.testing.assert_array_equal(one.exporter_country, other.exporter_country)
        np.testing.assert_array_equal(one.importer_product, other.importer_product)

    def test_as_saved(self, world: tw.World, saved: Path) -> None:
        self.same(tw.load_world(saved), world)

    def test_elasticities_leave_them(self, world: tw.World, saved: Path) -> None:
        other = tw.load_world(saved).with_elasticities(sigma=3.0)
        assert mapped_file(other.share) == saved / "share.npy"
        self.same(other, world)

    def test_saved_by_an_earlier_version(self, world: tw.World, tmp_path: Path) -> None:
        place = world.save(tmp_path / "world")
        (place / "share.npy").unlink()
        self.same(tw.load_world(place), world)

    def test_a_file_that_was_changed(self, world: tw.World, tmp_path: Path) -> None:
        place = world.save(tmp_path / "world")
        twice = np.arange(1.0, 1.0 + world.value.size)
        np.save(place / "value.npy", twice)
        later = (place / "world.json").stat().st_mtime_ns + 10**9
        os.utime(place / "value.npy", ns=(later, later))
        self.same(tw.load_world(place), replace(world, value=twice))


def test_a_mapped_world_solves_like_the_first(world: tw.World, saved: Path) -> None:
    case = tw.Scenario("more", [tw.Tariff(importer="USA", exporter="CHN", rate=0.5)])
    first = tw.solve(world, case).flows().collect()
    assert_frame_equal(tw.solve(tw.load_world(saved), case).flows().collect(), first)
    part = tw.load_world(saved).select(["284690"])
    assert tw.solve(part, case).status().collect()["status"].to_list() == ["converged"]


class TestOverwrite:
    def test_something_in_the_way(self, world: tw.World, saved: Path) -> None:
        with pytest.raises(tw.ConfigError, match=r"small exists.*overwrite=True"):
            world.save(saved)

    def test_a_saved_world_may_be_replaced(self, world: tw.World, saved: Path) -> None:
        other = world.select(["284690"])
        other.save(saved, overwrite=True)
        assert tw.load_world(saved).products == ("284690",)
        assert list(saved.parent.iterdir()) == [saved]

    def test_by_itself_while_it_is_mapped(self, saved: Path) -> None:
        back = tw.load_world(saved)
        total = back.value.sum()
        back.select(["284690"]).save(saved, overwrite=True)
        assert back.value.sum() == total

    def test_an_empty_directory_may_be_used(self, world: tw.World, tmp_path: Path) -> None:
        place = tmp_path / "empty"
        place.mkdir()
        world.save(place, overwrite=True)
        assert tw.load_world(place).data_hash == world.data_hash

    def test_anything_else_is_spared(self, world: tw.World, tmp_path: Path) -> None:
        mine = tmp_path / "mine.txt"
        mine.write_text("keep me")
        for place in (tmp_path, mine):
            with pytest.raises(tw.ConfigError, match="something other than a saved world"):
                world.save(place, overwrite=True)
        assert mine.read_text() == "keep me"

    def test_a_failure_leaves_the_old_world(
        self, world: tw.World, saved: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError("disk full")

        monkeypatch.setattr(np, "save", full)
        with pytest.raises(OSError, match="disk full"):
            world.select(["284690"]).save(saved, overwrite=True)
        assert list(saved.parent.iterdir()) == [saved]
        assert tw.load_world(saved).data_hash == world.data_hash


def test_others_may_read_it(world: tw.World, tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        place = world.save(tmp_path / "deep" / "down")
    finally:
        os.umask(old)
    assert stat.S_IMODE(place.stat().st_mode) == 0o755


class TestUnreadable:
    @pytest.mark.parametrize(
        "name", ["value.npy", "flow_product.npy", "duty_rows.npy", "epsilon.npy"]
    )
    @pytest.mark.parametrize("size", [0, 20, -8])
    def test_a_truncated_array(self, name: str, size: int, saved: Path) -> None:
        path = saved / name
        content = path.read_bytes()
        path.write_bytes(content[:size])
        with pytest.raises(tw.DataError, match=rf"{name}: cannot be read.*save the world again"):
            tw.load_world(saved)

    def test_an_array_of_another_world(self, saved: Path, world: tw.World, tmp_path: Path) -> None:
        other = world.select(["284690"]).save(tmp_path / "other")
        (saved / "value.npy").write_bytes((other / "value.npy").read_bytes())
        with pytest.raises(tw.DataError, match="mixes arrays of different worlds"):
            tw.load_world(saved)

    def test_a_truncated_table(self, saved: Path) -> None:
        path = saved / "products.parquet"
        path.write_bytes(path.read_bytes()[:-40])
        with pytest.raises(tw.DataError, match="not a complete saved world"):
            tw.load_world(saved)

    def test_a_missing_file(self, saved: Path) -> None:
        (saved / "quantity.npy").unlink()
        with pytest.raises(tw.DataError, match=r"quantity\.npy: cannot be read"):
            tw.load_world(saved)

    def test_another_format(self, saved: Path) -> None:
        path = saved / worldfile.HEADER
        path.write_text(path.read_text().replace('"format": 3', '"format": 99'))
        with pytest.raises(tw.DataError, match="format 99, this version reads 3; build the world"):
            tw.load_world(saved)

    def test_a_header_that_is_no_json(self, saved: Path) -> None:
        (saved / worldfile.HEADER).write_text('{"format": 3,')
        with pytest.raises(tw.DataError, match=r"world\.json: not JSON"):
            tw.load_world(saved)

    def test_a_header_without_a_key(self, saved: Path) -> None:
        path = saved / worldfile.HEADER
        header = json.loads(path.read_text())
        del header["countries"]
        path.write_text(json.dumps(header))
        with pytest.raises(tw.DataError, match=r"not a complete saved world.*countries"):
            tw.load_world(saved)

    def test_another_directory(self, tmp_path: Path) -> None:
        with pytest.raises(tw.DataError, match=r"holds no saved world \(no world\.json\)"):
            tw.load_world(tmp_path)


class TestHash:
    def test_it_depends_on_content_alone(
        self, flows: pl.DataFrame, elasticities: pl.DataFrame, tariffs: pl.DataFrame
    ) -> None:
        made = tw.World.from_flows(flows.reverse(), elasticities, tariffs.reverse(), name="other")
        assert made.data_hash == tw.World.from_flows(flows, elasticities, tariffs).data_hash

    def test_it_stays_what_it_was(self, world: tw.World) -> None:
        """A change of this value makes every run directory on disk look foreign."""
        assert world.data_hash[:16] == "b5c2f61c89253659"

    def test_it_sees_every_number(self, world: tw.World) -> None:
        duty = world.duties[0]
        changed = [
            replace(world, value=world.value * (1 + 1e-15)),
            replace(world, quantity=world.quantity * 2),
            replace(world, duties=world.duties[1:]),
            replace(world, duties=(Duty("other", duty.rows, duty.rate), *world.duties[1:])),
            replace(world, tariff_importers=None),
            replace(world, observed_importers=("USA",)),
            replace(world, aggregates={"EU27": ("FRA",)}),
            replace(world, vintage="HS2017"),
            replace(world, countries=("CHN", "DEU", "GBR")),
            world.with_elasticities(sigma=5.1),
            world.with_elasticities(epsilon=1.6),
        ]
        assert len({world.data_hash, *(other.data_hash for other in changed)}) == 12

    def test_a_saved_world_is_hashed_again_where_a_file_is_newer(
        self, world: tw.World, tmp_path: Path
    ) -> None:
        place = world.save(tmp_path / "world")
        assert "data_hash" in vars(tw.load_world(place))
        assert tw.load_world(place).data_hash == world.data_hash
        np.save(place / "value.npy", world.value * 2)
        later = (place / "world.json").stat().st_mtime_ns + 10**9
        os.utime(place / "value.npy", ns=(later, later))
        changed = tw.load_world(place)
        assert changed.data_hash == replace(world, value=world.value * 2).data_hash
