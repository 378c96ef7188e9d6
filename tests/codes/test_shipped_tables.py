"""The tables come from the package, wherever it is installed."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import tradewedge.data
from tradewedge.codes.tables import shipped_bytes

HERE = Path(tradewedge.data.__file__).parent


def test_small_enough_to_ship() -> None:
    size = sum(path.stat().st_size for path in (HERE / "codes").rglob("*") if path.is_file())
    assert size < 2_000_000


def test_missing_file() -> None:
    with pytest.raises(FileNotFoundError):
        shipped_bytes("codes", "nothing.csv")


def test_read_from_a_zip(tmp_path: Path) -> None:
    engine = HERE.parent / "engine"
    if not (engine / "codes").is_dir():
        pytest.skip("not a checkout: the installed package is tested as it is")
    archive = tmp_path / "tradewedge.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in (engine / "errors.py", *(engine / "codes").glob("*.py")):
            packed.write(path, f"tradewedge/{path.relative_to(engine)}")
        packed.writestr("tradewedge/__init__.py", "")
        for room in ("codes", "lists"):
            for path in (HERE / room).glob("*.*"):
                packed.write(path, f"tradewedge/data/{room}/{path.name}")
        packed.writestr("tradewedge/data/__init__.py", "")
    script = (
        f"import sys; sys.path.insert(0, {str(archive)!r})\n"
        "from tradewedge import codes\n"
        "assert '.zip' in codes.__file__\n"
        "assert codes.countries().height > 226\n"
        "assert codes.product_text('2846') and len(codes.groups()['G7']) == 7\n"
        "assert len(codes.named_list('pcmdp:processed').products) == 84\n"
        "assert codes.translate(['2846'], 'HS2022', 'HS1992').products\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path[1:]!r}\n{script}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_importing_reads_nothing() -> None:
    script = (
        "import importlib.resources as r\n"
        "def boom(*a): raise SystemExit('read at import')\n"
        "r.files = boom\n"
        "import tradewedge.codes\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
