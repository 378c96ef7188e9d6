"""`tradewedge data`: worlds, groups, lists."""

import pytest

from tradewedge.cli import main


def _said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["data", *arguments]) == 0
    return capsys.readouterr().out


def test_a_name_is_enough(capsys: pytest.CaptureFixture[str]) -> None:
    assert _said(capsys, "minerals") == _said(capsys, "show", "minerals")
    assert main(["data", "mineral"]) == 2
    assert "minerals" in capsys.readouterr().err


def test_a_misspelt_action_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["data", "gruops"])
    assert "'groups'" in capsys.readouterr().err


def test_trade_and_home_sales_are_counted_apart(capsys: pytest.CaptureFixture[str]) -> None:
    page = " ".join(_said(capsys, "minerals").split())
    assert "trade: 45,317 flows" in page
    assert "Home sales: 337 markets" in page


def test_products_of_a_world(capsys: pytest.CaptureFixture[str]) -> None:
    page = _said(capsys, "show", "minerals", "--products")
    assert "284690" in page
    assert len(page.splitlines()) == 64


def test_groups(capsys: pytest.CaptureFixture[str]) -> None:
    page = _said(capsys, "groups")
    assert "G7" in page
    assert "USMCA" in page


def test_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert "pcmdp:processed" in _said(capsys, "lists")
    page = _said(capsys, "lists", "pcmdp:processed")
    assert "Status: as if" in page
    assert "- 284690" in page
    assert main(["data", "lists", "pcmdp:procesed"]) == 2
    assert "pcmdp:processed" in capsys.readouterr().err
