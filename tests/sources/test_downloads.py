"""Official files: fetched where they may be, checked in any case."""

import hashlib
import http.server
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tradewedge.cli import main
from tradewedge.errors import ConfigError, DataError
from tradewedge.sources import downloads
from tradewedge.sources.registry import FACTS, SOURCES, TARIFFS


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Return the address of a site on this machine, and the folder that it serves."""
    folder = tmp_path / "site"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", folder
    server.shutdown()
    server.server_close()


def packed(path: Path, text: str = "t,i,j,k,v,q\n") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BACI_HS22_Y2023_V202501.csv", text * 500)
    return path


def test_every_source_is_there() -> None:
    named = {entry.name for entry in downloads.DOWNLOADS}
    assert named == {entry.name for entry in (*SOURCES, *TARIFFS, *FACTS)} - {"table"}
    assert all(entry.address or entry.by_hand for entry in downloads.DOWNLOADS)
    assert all(entry.page.startswith("https://") for entry in downloads.DOWNLOADS)


def test_addresses() -> None:
    baci = downloads.download("baci")
    assert downloads.address(baci, edition="HS1992", release="202401").endswith(
        "/BACI_HS92_V202401.zip"
    )
    assert downloads.address(baci).endswith("/BACI_HS22_V202501.zip")
    with pytest.raises(ConfigError, match="depends on release, not on edition"):
        downloads.address(downloads.download("gravity"), edition="HS2022")
    with pytest.raises(ConfigError, match="Log in"):
        downloads.address(downloads.download("comtrade"))
    with pytest.raises(ConfigError, match="nearest: baci"):
        downloads.download("bacci")


def test_a_file_is_fetched_once_and_remembered(site: tuple[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("pooch")
    url, served = site
    packed(served / "b.zip")
    first = downloads.fetch(f"{url}/b.zip", tmp_path / "got")
    assert first.sha256 == hashlib.sha256((served / "b.zip").read_bytes()).hexdigest()
    assert first.tables == ("BACI_HS22_Y2023_V202501.csv",)
    (served / "b.zip").unlink()
    assert downloads.fetch(f"{url}/b.zip", tmp_path / "got") == first
    first.path.unlink()
    packed(served / "b.zip", "another\n")
    with pytest.raises(DataError, match=r"is not the file that was fetched as b\.zip before"):
        downloads.fetch(f"{url}/b.zip", tmp_path / "got")
    with pytest.raises(DataError, match="cannot be fetched"):
        downloads.fetch(f"{url}/c.zip", tmp_path / "got")


def test_what_the_user_brings(tmp_path: Path) -> None:
    path = packed(tmp_path / "b.zip")
    assert downloads.check(path).bytes == path.stat().st_size
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="was not downloaded whole"):
        downloads.check(path)
    with pytest.raises(DataError, match="there is no file"):
        downloads.check(tmp_path / "c.zip")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds nothing"):
        downloads.check(tmp_path / "empty")


def test_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    packed(tmp_path / "b.zip")
    assert main(["data", "fetch"]) == 0
    assert "Etalab" in capsys.readouterr().out
    assert main(["data", "fetch", "baci", "--file", "b.zip"]) == 0
    assert "sha256" in capsys.readouterr().out
    assert main(["data", "fetch", "trains"]) == 2
    assert "https://wits.worldbank.org" in capsys.readouterr().err
    Path("gdp.csv").write_text("Country Name,Country Code,Year,Value\nFrance,FRA,2022,5000\n")
    assert main(["data", "table", "worldbank", "gdp.csv", "--out", "gdp.parquet"]) == 0
    told = capsys.readouterr().out
    assert "1 rows of country, year, gdp" in told
    assert Path("gdp.parquet").is_file()
    assert main(["data", "table", "worldbank", "gdp.csv", "--out", "gdp.parquet"]) == 2
    assert main(["data", "table", "worldbank", "gdp.csv", "--option", "x=1"]) == 2
    assert "has no option 'x'" in capsys.readouterr().err
