"""The JAX kernel over two processes with two devices each."""

import socket
import subprocess
import sys

import pytest

PROGRAM = """
import sys
import numpy as np, jax
jax.config.update("jax_num_cpu_devices", 2)
jax.distributed.initialize(f"127.0.0.1:{sys.argv[2]}", num_processes=2, process_id=int(sys.argv[1]))
from tradewedge.kernels import armington_cpu, armington_jax
from tradewedge.kernels.market import Options
from tradewedge.kernels.sample import random_market, random_shock
assert (len(jax.devices()), len(jax.local_devices())) == (4, 2)
rng = np.random.default_rng(16)
market = random_market(rng, 50)
shock = random_shock(rng, market)
found = armington_jax.solve(market, shock, Options())
usual = armington_cpu.solve(market, shock, Options())
assert found.status.tolist() == usual.status.tolist()
np.testing.assert_allclose(found.log_price, usual.log_price, rtol=1e-9, atol=1e-9)
np.testing.assert_allclose(found.log_index, usual.log_index, rtol=1e-9, atol=1e-9)
print("same")
"""


@pytest.mark.slow
def test_two_processes() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(rank), port],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        outputs = [process.communicate(timeout=300) for process in running]
    finally:
        for process in running:
            process.kill()
    for told, errors in outputs:
        assert told.strip().endswith("same"), errors
