"""What the CUDA kernel is handed agrees with what its source expects; no compiler needed."""

import re

import numpy as np
import pytest

from tradewedge.kernels.cuda import packing, plan, taken, treated
from tradewedge.kernels.dense import ranges
from tradewedge.kernels.layout import touched_products
from tradewedge.kernels.market import Market, Shock
from tradewedge.kernels.sample import Recipe, random_instruments, random_market, random_shock

SOURCE = packing.source()
STORED = {
    "int": np.int32,
    "Long": np.int64,
    "double": np.float64,
    "unsigned char": np.uint8,
    "signed char": np.int8,
}


def drawn(seed: int, products: int) -> tuple[Market, Shock]:
    """A market under every instrument."""
    rng = np.random.default_rng(seed)
    market = random_market(rng, products)
    return market, random_instruments(rng, market, random_shock(rng, market))


def members(struct: str) -> list[tuple[str, str, bool]]:
    """Return type, name and whether it is an address, of everything in a struct."""
    body = re.search(rf"struct {struct} \{{(.*?)\n\}};", SOURCE, re.DOTALL)
    assert body
    text = re.sub(r"//.*", "", body[1])
    found = []
    for line in filter(None, (part.strip() for part in text.split(";"))):
        words = re.match(r"(?:const )?((?:unsigned |signed )?\w+)\s+(.*)", line, re.DOTALL)
        assert words, line
        found += [(words[1], n.strip(" *\n"), "*" in n) for n in words[2].split(",")]
    return found


def value_of(name: str) -> int:
    """Evaluate an enumeration constant of the source that is given as a number."""
    found = re.search(rf"\b{name} = (\d+)", SOURCE)
    assert found, name
    return int(found[1])


def test_job_is_packed_in_the_order_of_the_struct() -> None:
    for struct, module in (("Job", packing), ("Treated", treated)):
        names = [name for _, name, _ in members(struct)]
        assert names == [*module.POINTERS, *module.COUNTS]
        addresses = [name for _, name, address in members(struct) if address]
        assert addresses == list(module.POINTERS)


def test_arrays_have_the_types_of_the_struct() -> None:
    market = random_market(np.random.default_rng(0), 3)
    shock = random_shock(np.random.default_rng(0), market)
    packed = packing.pack(market).arrays
    for kind, name, address in members("Job"):
        if address and name in packed:
            assert packed[name].dtype == STORED[kind], name
        elif address and hasattr(shock, name):
            assert packing.as_stored(name, getattr(shock, name)).dtype == STORED[kind], name
        elif not address:
            assert np.dtype(STORED[kind]).itemsize == 8, name


def test_arrays_under_instruments_have_the_types_of_the_struct() -> None:
    market, shock = drawn(0, 30)
    under = treated.pack(market, packing.pack(market), [shock])
    assert under
    given = under.arrays | {"items": packing.as_stored("items", np.arange(3))}
    addresses = {name: kind for kind, name, address in members("Treated") if address}
    assert {name: array.dtype for name, array in given.items()} == {
        name: STORED[kind] for name, kind in addresses.items()
    }


def test_constants_agree() -> None:
    for name in ("DEPTH", "LANES", "PARTS"):
        assert getattr(packing, name) == value_of(name)
    for vectors, first in (("EXPORTER", "DX"), ("IMPORTER", "CONSTANT")):
        names = re.search(rf"enum \{{\s*({first}\b.*?{vectors}_VECTORS)\s*\}}", SOURCE, re.DOTALL)
        assert names
        listed = [n.split("=")[0].strip() for n in names[1].split(",")]
        # DX, DF and Q stand for DEPTH vectors each.
        extra = 3 * (packing.DEPTH - 1) if first == "DX" else 0
        assert getattr(packing, f"{vectors}_VECTORS") == len(listed) - 1 + extra
        if first == "CONSTANT":
            assert listed.index("HOME_COST") == packing.PLAIN_IMPORTER_VECTORS
    for vectors, first, before in (
        ("TREATED_IMPORTER", "TOTAL", packing.PLAIN_IMPORTER_VECTORS),
        ("FLOW", "REST", 0),
    ):
        names = re.search(rf"enum \{{\s*({first}\b.*?) {vectors}_VECTORS\s*\}}", SOURCE, re.DOTALL)
        assert names
        count = getattr(treated, vectors.removeprefix("TREATED_") + "_VECTORS")
        assert count == before + names[1].count(",")


def test_source_keeps_to_what_runs_everywhere() -> None:
    code = re.sub(r"//.*", "", SOURCE)
    assert not re.search(r"atomic|__shfl|__ballot|__syncwarp|cooperative|#include", code)
    # Threads are told apart in one place.
    assert len(re.findall(r"threadIdx", code)) == 1


def test_flows_in_both_orders() -> None:
    market = random_market(np.random.default_rng(1), 12, Recipe(importers=(1, 15)))
    arrays = packing.pack(market).arrays
    for k in range(12):
        flows, exporters, importers = ranges(market, k)
        exporter = market.flow_exporter[flows] - exporters.start
        importer = market.flow_importer[flows] - importers.start
        order = np.argsort(importer, kind="stable")
        np.testing.assert_array_equal(arrays["to"][flows], importer)
        np.testing.assert_array_equal(arrays["turned"][flows], order)
        np.testing.assert_array_equal(arrays["from"][flows], exporter[order])
        for name, rows, row in (
            ("by_exporter", exporters, exporter),
            ("by_importer", importers, importer[order]),
        ):
            ends = arrays[name][rows.start : rows.stop + 1] - flows.start
            np.testing.assert_array_equal(np.repeat(np.arange(len(ends) - 1), np.diff(ends)), row)


def test_words_hold_every_bit() -> None:
    counts: dict[str, float] = {name: n for n, name in enumerate(packing.COUNTS)}
    counts["tolerance"] = 1e-10
    addresses = {"products": 2**40, "vectors": 7}
    words = packing.words(packing.POINTERS, addresses, packing.COUNTS, counts)
    assert words.dtype == np.uint64
    assert words[0] == 2**40
    assert words[len(packing.POINTERS) - 1] == 7
    assert words[-1:].view(np.float64)[0] == 1e-10
    with pytest.raises(KeyError):
        packing.words(packing.POINTERS, {}, packing.COUNTS, {})


@pytest.mark.parametrize("limit", [0, 3000, 6000, 200 * 1024])
def test_launches_hold_every_product_once(limit: int) -> None:
    recipe = Recipe(exporters=(1, 60), importers=(1, 60))
    packed = packing.pack(random_market(np.random.default_rng(2), 80, recipe))
    left_out = np.arange(80) % 9 == 0
    found = list(plan.launches(packed.doubles, packed.weights, left_out, limit))
    listed = np.concatenate([launch.listed for launch in found])
    assert sorted(listed.tolist()) == np.flatnonzero(~left_out).tolist()
    for launch in found:
        weights, doubles = packed.weights[launch.listed], packed.doubles[launch.listed]
        assert (np.diff(weights) <= 0).all()
        assert launch.shared <= limit
        room = launch.shared - (0 if launch.weights_stride else 8 * weights)
        assert (8 * doubles <= (8 * launch.vectors_stride or room)).all()
        assert launch.weights_stride == 0 or launch.weights_stride >= weights.max()


def test_parts_cover_products_and_keep_to_memory() -> None:
    market = random_market(np.random.default_rng(3), 40)
    none = np.zeros(40, np.int64)
    whole = list(plan.parts(market, 5, 2**30, none))
    assert whole == [plan.Part(0, 40, 5)]
    assert plan.cut_market(market, whole[0]) is market
    bytes_ = packing.pack(market).nbytes
    few = list(plan.parts(market, 500, 5 * bytes_, none))
    assert few[0].stop == 40
    assert 1 <= few[0].scenarios < 500
    small = list(plan.parts(market, 5, bytes_ // 3, none))
    assert len(small) > 3
    assert [p.start for p in small[1:]] == [p.stop for p in small[:-1]]
    assert (small[0].start, small[-1].stop) == (0, 40)
    for part in small:
        cut = plan.cut_market(market, part)
        assert len(cut.sigma) == part.stop - part.start
        assert cut.flow_ptr[-1] == len(cut.share)
        assert cut.flow_exporter.max() < len(cut.epsilon)
        assert packing.pack(cut).nbytes < bytes_ // 3 or part.stop - part.start == 1


def test_parts_keep_to_memory_under_instruments() -> None:
    market, shock = drawn(4, 60)
    assert shock.instruments
    needed = taken.needed(market, shock, shock.instruments)
    assert np.flatnonzero(needed).tolist() == touched_products(market, shock).tolist()
    for part in plan.parts(market, 1, 20_000, needed):
        some, mine = plan.cut_market(market, part), plan.cut_shock(market, shock, part)
        under = treated.pack(some, packing.pack(some), [mine])
        assert under is None or under.nbytes <= needed[part.start : part.stop].sum()


def test_parts_have_the_instruments_of_the_whole() -> None:
    market, shock = drawn(5, 40)
    whole = treated.pack(market, packing.pack(market), [shock])
    assert whole
    part = plan.Part(10, 25, 1)
    some = plan.cut_market(market, part)
    cut = treated.pack(some, packing.pack(some), [plan.cut_shock(market, shock, part)])
    assert cut
    items = (whole.product >= 10) & (whole.product < 25)
    assert (cut.product + 10).tolist() == whole.product[items].tolist()
    np.testing.assert_array_equal(cut.doubles, whole.doubles[items])
    of = np.searchsorted(whole.arrays["group_ptr"], np.arange(whole.group.size), side="right") - 1
    assert cut.group.tolist() == whole.group[items[of]].tolist()
    flows = np.repeat(items, np.diff(_first(whole)))
    for name in ("flow", "place", "source", "to", "turned", "log_quota", "log_floor", "beyond"):
        np.testing.assert_array_equal(cut.arrays[name], whole.arrays[name][flows])


def _first(under: treated.Treated) -> np.ndarray:
    """Where the treated flows of each item begin."""
    by_exporter = under.arrays["by_exporter"]
    return by_exporter[np.append(under.arrays["exporter_row"], by_exporter.size - 1)]


def test_scenarios_are_packed_one_after_another() -> None:
    market, shock = drawn(6, 30)
    plain = random_shock(np.random.default_rng(8), market)
    packed = packing.pack(market)
    one, two = (treated.pack(market, packed, shocks) for shocks in ([shock], [plain, shock, shock]))
    assert one
    assert two
    assert two.scenario.tolist() == [1] * one.product.size + [2] * one.product.size
    assert two.product.tolist() == 2 * one.product.tolist()
    assert two.group.tolist() == 2 * one.group.tolist()
    for name in ("flow", "source", "turned", "groups", "rows", "segment_of", "weight", "strike"):
        once = one.arrays[name].tolist()
        assert two.arrays[name].tolist() == 2 * once, name
