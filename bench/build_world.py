"""Time a saved world made from a year of trade in BACI's official layout.

    python bench/build_world.py [FOLDER] [--products 4800]

Draws the synthetic world, writes it as CEPII writes a release (a zip with the year's csv and the
dictionary of countries; every number is random), and times in fresh processes: a bare Polars scan
of the csv, `tradewedge data build` from the csv and from the zip, and opening the saved world.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from tradewedge import codes
from tradewedge.sources import synthetic

#: A year that no release covers, so that nobody takes the file for data.
YEAR = 2999
NAME = f"BACI_HS22_Y{YEAR}_V299901"
COUNTRIES = "country_codes_V299901.csv"

SCAN = """
import sys, time, polars as pl
text, number = pl.String, pl.Float64
schema = {"t": pl.Int16, "i": text, "j": text, "k": text, "v": number, "q": text}
start = time.perf_counter()
pl.scan_csv(sys.argv[1], schema=schema).collect()
print(time.perf_counter() - start)
"""
OPEN = """
import sys, time, tradewedge as tw
tw.load_world
start = time.perf_counter()
world = tw.load_world(sys.argv[1])
print(time.perf_counter() - start)
"""
BUILD = """
import sys, time
from tradewedge.cli import main
start = time.perf_counter()
status = main(["data", "build", "source=baci", f"path={sys.argv[1]}", f"out={sys.argv[2]}",
               "overwrite=true"])
assert status == 0
print(time.perf_counter() - start)
"""


class Timing(NamedTuple):
    """Seconds inside the process, of the whole process, of processor, and its largest memory."""

    seconds: float
    process: float
    processor: float
    gigabytes: float


def write_release(folder: Path, products: int) -> tuple[Path, Path, int]:
    """Write the csv and the zip; return them and the number of rows."""
    drawn = synthetic.draw(products, 226, seed=0)
    places = codes.crosswalk("baci").filter(pl.col("to_year").is_null()).unique("iso3")
    numbers = places.sort("code")["code"].cast(pl.Int32).head(226)
    goods = codes.products("HS2022")["product"]
    goods = goods.filter(~goods.str.starts_with("9999")).sample(products, seed=1).sort()
    tons = pl.Series(drawn.quantity, nan_to_null=True).round(3)
    table = pl.DataFrame(
        {
            "t": np.full(drawn.value.size, YEAR, dtype=np.int16),
            "i": numbers.gather(drawn.exporter),
            "j": numbers.gather(drawn.importer),
            "k": goods.gather(drawn.product),
            "v": pl.Series(drawn.value).round(3),
            "q": tons.cast(pl.Decimal(18, 3)).cast(pl.String).fill_null("NA").str.pad_start(13),
        }
    ).sort("i", "j", "k")
    csv, packed = folder / f"{NAME}.csv", folder / "BACI_HS22_V299901.zip"
    table.write_csv(csv)
    listed = places.select(country_code=pl.col("code").cast(pl.Int32), country_iso3="iso3")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        archive.write(csv, csv.name)
        archive.writestr(COUNTRIES, listed.sort("country_code").write_csv())
    return csv, packed, table.height


def timed(program: str, *arguments: Path) -> Timing:
    """Run a program in a process of its own."""
    start = time.perf_counter()
    command = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the process failed: {told}")
    return Timing(
        float(told.split()[-1]),
        time.perf_counter() - start,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 2**20,
    )


def main() -> None:
    """Write the files, time everything a few times, print the best of each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path, nargs="?", help="default: a temporary one")
    parser.add_argument("--products", type=int, default=4800)
    parser.add_argument("--rounds", type=int, default=3)
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = said.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        # In a process of its own: a child's largest memory begins with its parent's.
        with get_context("spawn").Pool(1) as pool:
            csv, packed, rows = pool.apply(write_release, (folder, said.products))
        print(
            f"{rows:,} rows; csv {csv.stat().st_size / 1e6:,.0f} MB, zip "
            f"{packed.stat().st_size / 1e6:,.0f} MB; {os.cpu_count()} cores"
        )
        work = {
            "bare Polars scan of the csv": (SCAN, csv),
            "build from the csv": (BUILD, csv, folder / "world"),
            "build from the zip": (BUILD, packed, folder / "world"),
            "open the saved world": (OPEN, folder / "world"),
        }
        rounds = [{name: timed(*what) for name, what in work.items()} for _ in range(said.rounds)]
    print(f"load {os.getloadavg()[0]:.1f}")
    print(f"{'':30} {'seconds':>8} {'process':>8} {'cpu':>8} {'GB':>6}")
    for name in work:
        best = min(part[name] for part in rounds)
        print(
            f"{name:30} {best.seconds:8.2f} {best.process:8.2f} {best.processor:8.2f} "
            f"{best.gigabytes:6.2f}"
        )


if __name__ == "__main__":
    main()
