import polars as pl
import pytest

from tradewedge import codes
from tradewedge.errors import ConfigError
from tradewedge.sources.content import content_of, content_table, minerals


def test_the_table_is_whole() -> None:
    table = content_table()
    assert table.filter(
        ~pl.col("low").is_between(0, pl.col("central"))
        | ~pl.col("central").is_between(0, pl.col("high"))
    ).is_empty()
    assert table.select("mineral", "vintage", "product").is_duplicated().sum() == 0
    assert set(table["basis"]) == {"definition", "stoichiometry", "grade", "basket"}
    assert table["source"].null_count() == 0
    for product, vintage in table.select("product", "vintage").iter_rows():
        assert codes.check_product(product, "content", vintage) == product


@pytest.mark.parametrize(
    ("mineral", "product", "content"),
    [
        ("lithium", "283691", 2 * 6.94 / 73.89),
        ("lithium", "282520", 6.94 / 41.96),
        ("LCE", "283691", 1.0),
        ("antimony", "282580", 2 * 121.76 / 291.52),
        ("tungsten", "284180", 12 * 183.84 / 3132.2),
        ("vanadium", "282530", 2 * 50.942 / 181.88),
        ("nickel", "283324", 58.693 / 262.85),
        ("chromium", "281910", 51.996 / 99.994),
        ("aluminium", "281820", 2 * 26.982 / 101.96),
        ("fluorine", "252922", 0.975 * 2 * 18.998 / 78.07),
        ("NdPr", "850511", 0.53 * 0.30 * 1.166),
    ],
)
def test_stoichiometry(mineral: str, product: str, content: float) -> None:
    assert content_of(mineral, product, "HS2022") == pytest.approx(content, rel=0.03)


def test_other_editions_and_spellings() -> None:
    assert content_of("ndpr", "284690", "HS1992", "high") == content_of(
        "NdPr", "284690", "HS2022", "high"
    )
    assert content_of("cobalt", "810510", "HS1992") == 0.6
    assert content_of("cobalt", "810520", None) == 0.6


def test_what_is_unknown_is_named() -> None:
    assert "NdPr" in minerals()
    with pytest.raises(
        ConfigError, match=r"floor: no mineral 'NdPrr'.*content\.csv.*nearest: NdPr"
    ):
        content_of("NdPrr", "284690", "HS2022", where="floor")
    with pytest.raises(
        ConfigError, match=r"how much cobalt product 850511 \(HS2022\) holds.*260500"
    ):
        content_of("cobalt", "850511", "HS2022")
    with pytest.raises(ConfigError, match=r"cobalt product 810520 \(HS1992\)"):
        content_of("cobalt", "810520", "HS1992")
