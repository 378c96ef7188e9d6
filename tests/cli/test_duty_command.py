"""``tradewedge data duty``."""

import pytest

from tradewedge.cli import main


def ask(*more: str, product: str = "850511", on: str = "2026-01-20") -> int:
    return main(["data", "duty", "--product", product, "--exporter", "CHN", "--date", on, *more])


def test_terms_and_total(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask("--importer", "USA") == 0
    said = capsys.readouterr().out
    for part in (
        "41.18 %",
        "2.10 %",
        "25.00 %",
        "10.00 %",
        "Section 301 China",
        "37.10 %",
        "exempt",
    ):
        assert part in said


def test_a_list_can_be_set_aside(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask("--in-scope", "s232_auto_parts=0", product="8507.60") == 0
    assert "Section 232" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--in-scope", "s232_auto_parts"], "s232_auto_parts=0.5"),
        (["--importer", "JPN"], "USA"),
        (["--date", "soon"], "2026-01-20"),
    ],
)
def test_wrong_questions(more: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(*more) == 2
    assert says in capsys.readouterr().err


def test_what_is_approximate_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(on="2026-08-01") == 0
    said = capsys.readouterr().out
    assert "approximate" in said
    assert "Section 301 forced" in said
