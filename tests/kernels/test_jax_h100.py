"""The JAX kernel compiled for an H100 where there is none: it fits, and nothing is a CAS loop.

NVIDIA's plugin for JAX brings the compiler; it goes to a folder of its own, so that the suite's
own JAX does not see it.
"""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

PROGRAM = '''
import json
import jax
from jax.experimental import topologies
from jax.sharding import Mesh
import numpy as np
from tradewedge.kernels import jax_instruments_loop, jax_loop
from tradewedge.kernels.jax_blocks import Shape
from tradewedge.kernels.jax_instruments_blocks import WEIGHT, Wide
from tradewedge.kernels.jax_rounds import GPU_CELLS
from tradewedge.kernels.jax_runtime import AXIS, float64

H100 = """
gpu_device_info {
  threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152
  shared_memory_per_core: 233472 threads_per_core_limit: 2048 core_count: 132
  fpus_per_core: 128 block_dim_limit_x: 2147483647 block_dim_limit_y: 65535
  block_dim_limit_z: 65535 memory_bandwidth: 3352320000000 l2_cache_size: 52428800
  clock_rate_ghz: 1.98 device_memory_size: 84929347584 shared_memory_per_block_optin: 232448
  cuda_compute_capability { major: 9 } registers_per_core_limit: 65536
  registers_per_block_limit: 65536
}
platform_name: "CUDA"
dnn_version_info { major: 9 minor: 7 }
runtime_version { major: 13 minor: 0 patch: 0 }
device_description_str: "NVIDIA H100 80GB HBM3"
"""
topology = topologies.get_topology_desc(platform="cuda", target_config=H100, topology="1x1x1")
where = Mesh(np.array(topology.devices), (AXIS,))
told = []


def tell(module, shape, cells):
    traced = module.solver(shape, where).trace(*module.arguments(shape, where))
    memory = traced.lower(lowering_platforms=("cuda",)).compile().memory_analysis()
    told.append((cells, memory.temp_size_in_bytes, memory.argument_size_in_bytes))


with float64():
    for exporters, importers, nested in ((128, 160, False), (32, 32, True)):
        lanes = 2 ** int(np.log2(GPU_CELLS // (exporters * importers)))
        shape = Shape(1, 1, lanes, exporters, importers, 2**21, nested)
        tell(jax_loop, shape, lanes * exporters * importers)
    # One importer's measures, and measures of all with groups of flows.
    for columns, groups, rows, depth in ((8, 1, 128, 1), (160, 16, 16384, 4)):
        cells = 128 * (160 + WEIGHT * columns)
        lanes = 2 ** int(np.log2(GPU_CELLS // cells))
        shape = Wide(
            devices=1,
            lanes=lanes,
            exporters=128,
            importers=160,
            flows=2**21,
            columns=columns,
            pairs=lanes * 128 * columns,
            groups=groups,
            rows=rows,
            depth=depth,
            members=lanes * rows,
        )
        tell(jax_instruments_loop, shape, lanes * cells)
print(json.dumps(told))
'''

ARRAYS = 8
"""Temporary dense arrays of float64 that one block may take: 1 GiB at the largest block."""


@pytest.fixture(scope="module")
def compiler() -> Path:
    """A folder with the compiler of the version that jaxlib has."""
    number = version("jaxlib")
    place = Path(__file__).resolve().parents[2] / "build" / "jax-cuda" / number
    if not (place / "jax_plugins").is_dir():
        names = [f"jax-cuda13-{part}=={number}" for part in ("plugin", "pjrt")]
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", place, *names],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"pip cannot fetch {' and '.join(names)}: {done.stderr.strip()[-200:]}")
    return place


@pytest.mark.slow
def test_compiles_for_an_h100(compiler: Path, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(compiler),
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_ENABLE_COMPILATION_CACHE": "false",
        "XLA_FLAGS": f"--xla_dump_to={tmp_path}",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for cells, temporary, arguments in json.loads(done.stdout.splitlines()[-1]):
        assert temporary <= ARRAYS * 8 * cells
        assert arguments <= 3 * 8 * cells
    code = [path.read_text() for path in tmp_path.glob("*.ptx")]
    assert len(code) >= 2
    for text in code:
        assert not re.findall(r"atom\.[\w.]*cas[\w.]*", text)
        # Exponentials compare the upper half of a double as a float, and erf finds an integer
        # exponent with one (times log2 e, rounded); nothing else computes in one.
        assert not re.findall(r"\b(?:add|sub|mul|fma|div)\.(?:\w+\.)*f32\b(?!.*0f3FB8AA3B)", text)
