"""Builds the stages of ``data/dimensions``; the lists of critical minerals there are by hand.

python -m tradewedge.data.build.dimensions SHARED_DIR
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from tradewedge import codes
from tradewedge.data.build.csvtext import read_text
from tradewedge.data.build.lists import CHAINS

OUT = Path(__file__).resolve().parents[1] / "dimensions"
#: Minerals of the chains whose name is not the mineral's.
OF_CHAIN: Final = {
    "platinum_group": ("platinum group",),
    "rare_earths": ("rare earths",),
}
#: Chains of several minerals: how the description of a code names each.
NAMED: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "niobium_tantalum": {"niobium": ("Nb", "niobium"), "tantalum": ("Ta", "tantalum")},
    "beryllium_zirconium_hafnium": {
        "beryllium": ("Be",),
        "zirconium": ("Zr",),
        "hafnium": ("Hf unwrought", "Hf articles"),
    },
    "tellurium_bismuth_indium_selenium": {
        "tellurium": ("tellurium", "CdTe"),
        "bismuth": ("bismuth", "Bi2O3"),
        "indium": ("In ", "ITO", "LCD"),
        "selenium": ("selenium",),
    },
    "molybdenum_rhenium": {"molybdenum": ("Mo", "molybd"), "rhenium": ("Re ", "turbo")},
}
#: Steps of processing by stage and form; what is not here is its stage's own.
STEPS: Final = {
    "S0": "ore or concentrate",
    "S1": "compound",
    "S2": "metal",
    "S3": "semi-manufacture",
    "S4": "component",
    "S5": "final good",
}
FORMS: Final = {
    "alloy": "alloy",
    "scrap": "scrap",
    "metal": "metal",
    **dict.fromkeys(("intermediate", "synthetic"), "intermediate"),
    **dict.fromkeys(("enriched", "depleted"), "compound"),
}
MAGNETS: Final = "8505"


def stages(shared: Path) -> pl.DataFrame:
    """product, vintage, chain, minerals, stage, step, derivative, basket, sorted."""
    raw = read_text(shared / "critical_minerals/hs6_chain_policy.csv")
    rows = []
    for row in raw.iter_rows(named=True):
        chain = CHAINS[row["chain"]]
        vintage = "HS2017" if row["vintage"] == "HS2017 only" else "HS2022"
        rows.append(
            (
                row["hs6"],
                vintage,
                chain,
                ";".join(_minerals(chain, row["role"], row["form"])),
                row["stage"],
                _step(row["hs6"], vintage, row["stage"], row["form"]),
                "yes" if row["stage"] in ("S3", "S4", "S5") else "no",
                "yes" if row["basket"] == "1" else "no",
            )
        )
    columns = ["product", "vintage", "chain", "minerals", "stage", "step", "derivative", "basket"]
    return pl.DataFrame(rows, schema=columns, orient="row").sort("chain", "stage", "product")


def _minerals(chain: str, role: str, form: str) -> list[str]:
    if form == "synthetic":
        return [f"synthetic {chain}"]
    if chain in OF_CHAIN:
        return list(OF_CHAIN[chain])
    named = NAMED.get(chain)
    if named is None:
        return [chain]
    return [name for name, words in named.items() if any(word in role for word in words)] or [
        *named
    ]


def _step(product: str, vintage: str, stage: str, form: str) -> str:
    if stage == "S3" and product.startswith(MAGNETS):
        return "magnet"
    if form in FORMS and stage in ("S1", "S2"):
        return FORMS[form]
    text = (codes.product_text(product, vintage) or "").casefold()
    if stage == "S1" and "oxide" in text.split(",")[0]:
        return "oxide"
    return STEPS[stage]


def main(arguments: list[str]) -> None:
    """Read ``SHARED_DIR`` and write the table."""
    if len(arguments) != 1:
        sys.exit("usage: python -m tradewedge.data.build.dimensions SHARED_DIR")
    table = stages(Path(arguments[0]))
    table.write_csv(OUT / "stages.csv")
    print(table.group_by("step").len().sort("len", descending=True))


if __name__ == "__main__":
    main(sys.argv[1:])
