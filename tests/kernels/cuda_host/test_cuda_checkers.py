"""The kernels under the compiler's checkers: addresses, undefined behaviour, races.

Every array and the shared memory are as long as they say, to the byte. For races each thread of
a block is one of the machine, with real barriers.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tradewedge.kernels import armington_cpu
from tradewedge.kernels.cuda.batch import solve_batch
from tradewedge.kernels.market import Options
from tradewedge.kernels.sample import Recipe, random_instruments, random_market, random_shock

CHECKS = {
    "addresses": (["-fsanitize=address,undefined", "-fno-sanitize-recover=all"], 32, {}),
    "addresses, vectors in global memory": (
        ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
        8,
        {"shared_limit": 0},
    ),
    "races": (["-DSHIM_THREADS", "-fsanitize=thread"], 4, {"blocks": 2}),
    "races, vectors in global memory": (
        ["-DSHIM_THREADS", "-fsanitize=thread"],
        4,
        {"blocks": 2, "shared_limit": 0},
    ),
    "real threads": (["-DSHIM_THREADS"], 8, {}),
}


@pytest.mark.slow
@pytest.mark.parametrize(("options", "block", "settings"), CHECKS.values(), ids=CHECKS.keys())
@pytest.mark.parametrize("kind", ["one level", "nested", "under instruments"])
def test_nothing_found(
    program: Callable[..., Any],
    options: list[str],
    block: int,
    settings: dict[str, int],
    kind: str,
) -> None:
    rng = np.random.default_rng(0)
    recipe = Recipe(exporters=(1, 15), importers=(1, 15), nested=float(kind == "nested"))
    market = random_market(rng, 15, recipe)
    shock = random_shock(rng, market, size=1.0)
    if kind == "under instruments":
        shock = random_instruments(rng, market, shock)
    tight = Options(tolerance=1e-12)
    (found,) = solve_batch(program(*options, **settings), market, [shock], tight, block)
    wanted = armington_cpu.solve(market, shock, tight)
    assert found.status.tolist() == wanted.status.tolist()
    np.testing.assert_allclose(np.exp(found.log_price), np.exp(wanted.log_price), atol=1e-9)
