"""A pair of years with an experiment on it, ready for predictions."""

from dataclasses import dataclass, field, replace

import polars as pl

from tradewedge.backtest.comparison import Comparison, Cut, compare
from tradewedge.backtest.experiment import Experiment, Year
from tradewedge.backtest.observed import Change, change, imports
from tradewedge.backtest.predicted import Case, cases, predict
from tradewedge.backtest.series import open_year
from tradewedge.codes import nearest
from tradewedge.errors import ConfigError
from tradewedge.world import World


@dataclass(eq=False)
class Worlds:
    """Opens every year once."""

    elasticities: str | None
    seen: dict[Year, World] = field(default_factory=dict)

    def open(self, year: Year | World) -> World:
        if isinstance(year, World):
            return year
        if year not in self.seen:
            self.seen[year] = open_year(year, self.elasticities)
        return self.seen[year]


@dataclass(frozen=True, eq=False)
class Setting:
    """A pair of years, ready for predictions.

    Attributes
    ----------
    cases : tuple of Case
    products : tuple of str
        Those that are scored.
    before : DataFrame
        Imports of the year before, by everybody.
    observed : Change
    """

    cases: tuple[Case, ...]
    products: tuple[str, ...]
    before: pl.DataFrame
    observed: Change


def prepare(told: Experiment, first: World, last: World) -> Setting:
    if last.year is None:
        raise ConfigError(f"world {last.name!r} does not say its year")
    if first.vintage != last.vintage:
        raise ConfigError(
            f"{told.before} has product codes of {first.vintage or 'no edition'}, {told.after} of "
            f"{last.vintage or 'no edition'}: build both in one edition (vintage=)"
        )
    found = cases(told, first, last.year)
    touched = {product for case in found for product in case.targets["product"]}
    products = tuple(
        product
        for product in sorted(touched)
        if product in last.products and (not told.products or product.startswith(told.products))
    )
    if not products:
        raise ConfigError(
            f"experiment {told.name!r}: no product that a measure touches is in both years and "
            "among those asked for"
        )
    for code in told.importers:
        if code not in first.countries:
            raise ConfigError(
                f"experiment {told.name!r}: importer {code!r} buys nothing in {first.name!r}; "
                f"nearest: {', '.join(nearest(code, first.countries)) or 'none'}"
            )
    known = imports(first, products)
    observed = of_importers(change(known, imports(last, products)), told)
    slim = tuple(replace(case, world=case.world.select(products)) for case in found)
    return Setting(slim, products, known, observed)


def of_importers(found: Change, told: Experiment) -> Change:
    if not told.importers:
        return found
    mine = pl.col("importer").is_in(list(told.importers))
    return Change(found.shares.filter(mine), found.totals.filter(mine))


def comparison(
    told: Experiment, setting: Setting, case: Case, world: World, model: str, cut: Cut
) -> Comparison:
    after = predict(case, world, model)
    predicted = of_importers(change(setting.before, after), told)
    return compare(setting.observed, predicted, case.targets, cut)
