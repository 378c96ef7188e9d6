from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tradewedge as tw
from tradewedge.errors import ConfigError, SuspiciousRateWarning
from tradewedge.policy import MEASURES, Measure

YAML = """\
name: "magnets"
description: "A duty on magnets and a lost supplier"
status: "hypothetical"
source: "nowhere"
measures:
  - kind: Tariff
    importer: "USA"
    exporter: "CHN"
    products: ["2846", "850511"]
    rate: 0.25
  - kind: Exclusion
    importer: "G7"
    exporter: ["RUS", "PRK"]
    include_intra: true
"""
CASE = tw.Scenario(
    "magnets",
    [
        tw.Tariff(importer="USA", exporter="CHN", products=["2846", "850511"], rate=0.25),
        tw.Exclusion(importer="G7", exporter=["RUS", "PRK"], include_intra=True),
    ],
    description="A duty on magnets and a lost supplier",
    status="hypothetical",
    source="nowhere",
)

codes = st.text(min_size=1, max_size=12).filter(str.strip)
scopes = st.one_of(
    st.just("*"), st.sampled_from(["NO", "010121", "2846", "1e3", "0x10", "~"]), codes,
    st.lists(codes, min_size=1, max_size=3),
)  # fmt: skip
texts = st.one_of(st.none(), st.text(max_size=20).filter(lambda t: not t.lower().startswith("h")))
numbers = st.floats(1e-6, 1.8, allow_nan=False)  # nothing that looks like a percentage


contents = st.one_of(st.sampled_from(["low", "central", "high"]), numbers.map(lambda x: x / 5))
quotas = {"fraction": numbers}, {"tons": numbers, "mineral": st.just("Li"), "content": contents}
prices = {"multiple": numbers}, {"usd_per_kg": numbers, "per": st.just("Li"), "content": contents}
shifts = {"factor": numbers}, {"tons": numbers, "joint": st.dictionaries(codes, numbers)}
own: dict[str, tuple[dict[str, st.SearchStrategy], ...]] = {
    "Tariff": ({"rate": numbers, "mode": st.sampled_from(["add", "set", "multiply"])},),
    "SpecificDuty": (prices[1],),
    "CompoundDuty": ({"text": st.sampled_from(["5.2¢/kg + 4%", "Free", "$2/kg on Li content"])},),
    "TariffRateQuota": tuple(
        {**quota, "in_rate": st.just(0.1), "out_rate": numbers.map(lambda x: x + 0.1)}
        for quota in quotas
    ),
    "PriceFloor": tuple({**price, "dispersion": st.none() | numbers} for price in prices),
    "ImportQuota": tuple({**quota, "rent": st.just("exporter")} for quota in quotas),
    "ExportQuota": tuple({**quota, "per": st.just("pair")} for quota in quotas),
    "ExportTax": ({"rate": numbers},),
    "Exclusion": ({"segment": st.none() | codes},),
    "TradeCost": ({"factor": st.floats(0.2, 5)},),
    "Agreement": ({"members": scopes, "carve_out": scopes, "cap": st.none() | numbers},),
    "SupplyShift": shifts,
    "DemandShift": ({"factor": numbers},),
    "Capacity": quotas,
    "ContractForDifference": tuple({**price, "upside_share": st.just(0.3)} for price in prices),
}
ONE_SIDED = {
    "SupplyShift": "importer",
    "Capacity": "importer",
    "ContractForDifference": "importer",
    "DemandShift": "exporter",
    "Agreement": "exporter",
}


@st.composite
def measures(draw: st.DrawFn) -> Measure:
    kind = draw(st.sampled_from(sorted(MEASURES)))
    arguments: dict = {
        "products": draw(scopes),
        "allow_empty": draw(st.booleans()),
        **{name: draw(texts) for name in ("authority", "label", "source", "status")},
    }
    for side in {"importer", "exporter"} - {ONE_SIDED.get(kind)}:
        arguments[side] = draw(scopes)
    chosen = draw(st.sampled_from(own[kind]))
    return MEASURES[kind](**arguments, **{name: draw(what) for name, what in chosen.items()})


def test_every_kind_is_tried_below() -> None:
    assert set(own) == set(MEASURES)


def test_yaml_and_python_are_the_same_thing(tmp_path: Path) -> None:
    path = tmp_path / "magnets.yaml"
    path.write_text(YAML, encoding="utf-8")
    assert tw.Scenario.from_yaml(path) == CASE
    assert tw.Scenario.from_yaml(str(path)) == CASE
    assert tw.Scenario.from_yaml(YAML) == CASE
    CASE.to_yaml(tmp_path / "again.yaml")
    assert tw.Scenario.from_yaml(tmp_path / "again.yaml") == CASE


@given(name=codes, steps=st.lists(measures(), max_size=4), description=st.text(max_size=40))
def test_yaml_and_dict_round_trips(name: str, steps: list[Measure], description: str) -> None:
    case = tw.Scenario(name, steps, description=description, vintage="HS2022")
    assert tw.Scenario.from_dict(case.to_dict()) == case
    assert tw.Scenario.from_yaml(case.to_yaml()) == case


def test_written_codes_are_quoted() -> None:
    text = tw.Scenario("n", [tw.Exclusion(importer="USA", products=["2846", "010121"])]).to_yaml()
    assert 'importer: "USA"' in text
    assert '- "2846"' in text
    assert '- "010121"' in text
    assert "kind: Exclusion" in text


def test_hypothetical_is_visible() -> None:
    assert CASE.title == "magnets (hypothetical)"
    assert str(CASE).startswith("magnets (hypothetical): A duty")
    measure = tw.Exclusion(status="hypothetical")
    assert tw.Scenario("x", [measure]).title == "x (hypothetical)"
    assert tw.Scenario("x", [tw.Exclusion()], status="in force").title == "x"


def test_a_scenario_without_measures_is_the_baseline() -> None:
    assert tw.Scenario.from_yaml("name: base\nmeasures: []\n") == tw.Scenario("base", [])
    assert tw.Scenario.from_dict({"name": "base"}) == tw.Scenario("base")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("naem: x\nmeasures: []", "unknown key 'naem'.*did you mean \"name\""),
        ("measures: []\n", "key name is missing"),
        ("name: 3\nmeasures: []", "name must be text, not 3"),
        ("name: ''\nmeasures: []", "name is empty"),
        ("- name: x\n- y", "must be a mapping"),
        ("\n", "is empty"),
        ("name: x\nmeasures: Tariff", "measures is a list"),
        ("name: x\nmeasures:\n  kind: Tariff", "measures is a list"),
        ("name: x\nmeasures: [Tariff]", r"measures\[0\] must be a mapping"),
        ("name: x\nmeasures: [{rate: 1}]", "kind is missing"),
        ("name: x\nmeasures: [{kind: Tarif}]", "unknown kind 'Tarif'.*did you mean \"Tariff\""),
        ("name: x\nmeasures: [{kind: Tariff}]", r"measures\[0\]: Tariff needs rate"),
        ("name: x\nmeasures: [{kind: Tariff, rat: 1}]", "unknown key 'rat'.*mean \"rate\""),
        ("name: x\nmeasures: [{_target_: os.system}]", "kind is missing"),
        ("name: x\nmeasures: [{kind: Exclusion, _target_: a}]", "unknown key '_target_'"),
        ("name: x\nmeasures: [{kind: Tariff, rate: 25%}]", r"YAML text: measures\[0\]: Tariff: r"),
        ("name: x\nname: y", "line 2: the key 'name' is given twice"),
        ("name: x\nmeasures: [{kind: Exclusion, importer: NO}]", 'line 2: importer.*write "NO"'),
        ("name: x\nmeasures: [{kind: Exclusion, exporter: [no]}]", 'exporter.*write "no"'),
        ("name: x\nmeasures:\n- kind: Exclusion\n  products:\n  - 010121", 'line 5: .*"010121"'),
        ("name: x\nmeasures: [{kind: Exclusion, products: 2846}]", 'write "2846"'),
        ("name: x\nmeasures: [{kind: Exclusion, products: 2846.90}]", 'write "2846.90"'),
        ("name: x\nmeasures: [{kind: Exclusion, products: }]", "must be a code in quotes"),
        ("name: x\nsource: 2026-01-14", "source must be text"),
        ("name: x\nsource: 2026-02-30", "is not YAML"),
        ("name: [x\n", "line 2: "),
        ("name: !!python/object/apply:os.getcwd []\n", "could not determine a constructor"),
    ],
)
def test_bad_yaml_says_where_and_what_to_do(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        tw.Scenario.from_yaml(text if "\n" in text else text + "\n")


def test_bad_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read scenario file .*none\.yaml: No such file"):
        tw.Scenario.from_yaml(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot read scenario file"):
        tw.Scenario.from_yaml(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("name: \xe9\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin\.yaml: not UTF-8 text"):
        tw.Scenario.from_yaml(tmp_path / "latin.yaml")
    (tmp_path / "bad.yaml").write_text("name: x\nmeasures: [{kind: Tariff, rate: -2}]\n")
    with pytest.raises(ConfigError, match=r"bad\.yaml: measures\[0\]: Tariff: rate must be above"):
        tw.Scenario.from_yaml(tmp_path / "bad.yaml")


def test_a_percentage_in_yaml_warns() -> None:
    with pytest.warns(SuspiciousRateWarning, match=r"25 % is written 0\.25"):
        tw.Scenario.from_yaml("name: x\nmeasures: [{kind: Tariff, rate: 25}]\n")


def test_python_mistakes_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"measures is a list; write \[Exclusion"):
        tw.Scenario("x", tw.Exclusion())  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"measures\[0\] is no measure"):
        tw.Scenario("x", ["Tariff"])  # type: ignore[list-item]
    with pytest.raises(ConfigError, match="did you mean"):
        tw.Scenario("x", status="hypothetcial")
