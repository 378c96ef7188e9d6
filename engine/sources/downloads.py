"""Where the official files are, and whether they may be fetched from there.

A file is fetched only when asked, only where its licence lets anybody have it from a fixed address,
and with its SHA-256 written beside it: the same file is not fetched twice, and another one under
the same name is an error. Everything else is a page to go to, and a check of what was brought.
"""

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tradewedge.codes import check_vintage, nearest
from tradewedge.errors import ConfigError, DataError
from tradewedge.sources import files

SUMS: Final = "SHA256SUMS"


@dataclass(frozen=True)
class Download:
    """One source's files.

    Attributes
    ----------
    name : str
        That of the source.
    licence, page : str
        Terms, and where a person finds the files.
    address : str
        Where the file itself is, with fields in braces; "" where it has to be fetched by hand.
    defaults : mapping
        Values of these fields.
    by_hand : str
        What to click, and what to expect.
    """

    name: str
    licence: str
    page: str
    address: str = ""
    defaults: Mapping[str, str] = field(default_factory=dict)
    by_hand: str = ""


DOWNLOADS: Final = (
    Download(
        "baci",
        "Etalab Open Licence 2.0: free with attribution to CEPII",
        "https://www.cepii.fr/CEPII/en/bdd_modele/bdd_modele_item.asp?id=37",
        "https://www.cepii.fr/DATA_DOWNLOAD/baci/data/BACI_{edition}_V{release}.zip",
        {"edition": "HS22", "release": "202501"},
    ),
    Download(
        "gravity",
        "Etalab Open Licence 2.0: free with attribution to CEPII",
        "https://www.cepii.fr/CEPII/en/bdd_modele/bdd_modele_item.asp?id=8",
        "https://www.cepii.fr/DATA_DOWNLOAD/gravity/data/Gravity_csv_V{release}.zip",
        {"release": "202211"},
    ),
    Download(
        "worldbank",
        "CC BY 4.0",
        "https://data.worldbank.org/indicator/NY.GDP.MKTP.CD",
        "https://api.worldbank.org/v2/en/indicator/NY.GDP.MKTP.CD?downloadformat=csv",
    ),
    Download(
        "usitc",
        "public domain",
        "https://hts.usitc.gov/export",
        by_hand="Choose the whole schedule (0101 to 9999) and the format CSV or JSON.",
    ),
    Download(
        "dataweb",
        "public domain",
        "https://dataweb.usitc.gov/tariff/annual",
        by_hand="Take the zip of the year; it holds tariff_database_YEAR.txt.",
    ),
    Download(
        "census",
        "public domain",
        "https://www.census.gov/data/developers/data-sets/international-trade.html",
        by_hand=(
            "With a free key, ask the API timeseries/intltrade/imports/hs for CTY_CODE, "
            "I_COMMODITY, CON_VAL_YR, CAL_DUT_YR, CON_QY1_YR, UNIT_QY1 and SUMMARY_LVL with "
            "COMM_LVL=HS10 and time=YEAR-12; save the JSON answer."
        ),
    ),
    Download(
        "comtrade",
        "UN Comtrade licence agreement: no redistribution",
        "https://comtradeplus.un.org/TradeFlow",
        by_hand="Log in, choose HS codes, reporters and partners, and download the csv.",
    ),
    Download(
        "trains",
        "WITS terms: free registration, no redistribution",
        "https://wits.worldbank.org",
        by_hand=(
            "Log in, Advanced Query, Tariff and Trade Analysis or Bulk Download, kinds AHS (or "
            "MFN and PRF), HS six digits; download the csv or zip."
        ),
    ),
    Download(
        "wto",
        "WTO terms of use: attribution",
        "https://stats.wto.org",
        by_hand="Choose the indicators HS_A_0010 and HS_P_0070, reporters, year; download the csv.",
    ),
    Download(
        "icio",
        "OECD terms: attribution",
        "https://www.oecd.org/en/data/datasets/inter-country-input-output-tables.html",
        by_hand="Take the zip of the years; each year is a csv such as 2020_SML.csv.",
    ),
    Download(
        "geodist",
        "free with citation of Mayer and Zignago (2011)",
        "https://www.cepii.fr/CEPII/en/bdd_modele/bdd_modele_item.asp?id=6",
        by_hand="Take dist_cepii and save it as dist_cepii.csv.",
    ),
    Download(
        "usgs",
        "public domain",
        "https://www.usgs.gov/centers/national-minerals-information-center/mineral-commodity-summaries",
        by_hand="Take the data release of the year; it holds MCS2025_World_Data.csv or its like.",
    ),
    Download(
        "mining",
        "the publisher's own terms",
        "https://www.world-mining-data.info",
        by_hand="Take the workbook of production by country, and save a long table as csv.",
    ),
)


@dataclass(frozen=True)
class Checked:
    """A file that is there and whole.

    Attributes
    ----------
    path : Path
    bytes : int
    sha256 : str
    tables : tuple of str
        Names of what it holds.
    """

    path: Path
    bytes: int
    sha256: str
    tables: tuple[str, ...]


def download(name: str) -> Download:
    """The entry of a source.

    Raises
    ------
    ConfigError
        If there is none, with the nearest.
    """
    named = {entry.name: entry for entry in DOWNLOADS}
    if name not in named:
        near = nearest(name, named)
        raise ConfigError(
            f"no source {name!r}; nearest: {', '.join(near) or 'none'}. There are "
            f"{', '.join(named)}"
        )
    return named[name]


def address(entry: Download, **fields: str | None) -> str:
    """The file's address, its fields filled in.

    Raises
    ------
    ConfigError
        For a field that the address has not, or a file that is fetched by hand.
    """
    if not entry.address:
        raise ConfigError(f"{entry.name}: {entry.by_hand} {entry.page} ({entry.licence})")
    given = {key: value for key, value in fields.items() if value is not None}
    strange = sorted(set(given) - set(entry.defaults))
    if strange:
        told = ", ".join(entry.defaults) or "nothing"
        raise ConfigError(f"{entry.name}: its address depends on {told}, not on {strange[0]}")
    if "edition" in given:
        given["edition"] = "HS" + check_vintage(given["edition"])[-2:]
    return entry.address.format(**{**entry.defaults, **given})


def fetch(url: str, folder: Path, *, progress: bool = False) -> Checked:
    """Fetch a file, unless it is there already and is the one that was fetched before.

    Raises
    ------
    ConfigError
        If pooch, which does it, is not installed.
    DataError
        If it cannot be fetched, or is not the file that was fetched under this name before.
    """
    try:
        import pooch
    except ImportError as error:
        raise ConfigError(
            "fetching files needs pooch: pip install 'tradewedge[fetch]', or download the file by "
            f"hand from {url}"
        ) from error
    name = url.rpartition("/")[2].partition("?")[0]
    folder.mkdir(parents=True, exist_ok=True)
    known = _sums(folder).get(name)
    try:
        place = pooch.retrieve(
            url, known and f"sha256:{known}", fname=name, path=folder, progressbar=progress
        )
    except ValueError as error:  # pooch's own, for another hash
        raise DataError(
            f"{url} is not the file that was fetched as {name} before ({SUMS} has its hash): "
            f"{error}. Remove the line to take the new one"
        ) from error
    except OSError as error:
        raise DataError(f"{url}: cannot be fetched: {error}") from error
    found = check(Path(place))
    _remember(folder, name, found.sha256)
    return found


def check(path: Path) -> Checked:
    """Whether a file, zip or folder that somebody brought is there and whole.

    Raises
    ------
    DataError
        If it is absent, damaged, or holds nothing.
    """
    if not path.exists():
        raise DataError(f"there is no file {path}")
    if path.suffix.lower() == ".zip":
        try:
            with zipfile.ZipFile(path) as archive:
                broken = archive.testzip()
        except (zipfile.BadZipFile, OSError) as error:
            raise DataError(f"{path}: was not downloaded whole ({error})") from error
        if broken is not None:
            raise DataError(f"{path}: {broken} in it is damaged: download it again")
    held = tuple(files.names(path))
    if not held:
        raise DataError(f"{path}: holds nothing")
    if path.is_dir():
        size = sum(part.stat().st_size for part in path.iterdir() if part.is_file())
        return Checked(path, size, "", held)
    with path.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
    return Checked(path, path.stat().st_size, digest, held)


def _sums(folder: Path) -> dict[str, str]:
    place = folder / SUMS
    if not place.is_file():
        return {}
    lines = (line.split(maxsplit=1) for line in place.read_text("utf-8").splitlines())
    return {parts[1].strip(): parts[0] for parts in lines if len(parts) == 2}


def _remember(folder: Path, name: str, sha256: str) -> None:
    sums = _sums(folder) | {name: sha256}
    text = "".join(f"{digest}  {file}\n" for file, digest in sorted(sums.items()))
    (folder / SUMS).write_text(text, encoding="utf-8")
