"""Which sigma, eta and epsilon each product of a world gets, and from where."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge.errors import DataError

if TYPE_CHECKING:
    from tradewedge.world import World

Floats = NDArray[np.float64]

#: eta as the model uses it: the composite's, the import-demand elasticity made from it with the
#: home share, or the composite's taken as it is because the home share is unknown.
COMPOSITE, IMPORT_DEMAND, UNADJUSTED = "composite", "import_demand", "unadjusted"


@dataclass(frozen=True, eq=False)
class Elasticities:
    """Elasticities aligned with the products and exporter rows of one world.

    Attributes
    ----------
    set_name : str
    sigma : float64 [K]
        Substitution among suppliers, of tariff-exclusive flows; positive.
    eta_composite : float64 [K]
        Demand for the composite of all suppliers, home included; non-negative.
    home_share : float64 [K]
        Share of home producers in spending where the world has no domestic rows; NaN unknown.
    eta : float64 [K]
        What the model uses: ``eta_composite``, or ``h * sigma + (1 - h) * eta_composite`` for
        products without domestic rows whose home share is known.
    eta_kind : tuple of str [K]
        "composite", "import_demand" or "unadjusted".
    epsilon : float64 [X]
        Supply of each exporter row; may be infinite.
    source : tuple of str [K]
    """

    set_name: str
    sigma: Floats
    eta_composite: Floats
    home_share: Floats
    eta: Floats
    eta_kind: tuple[str, ...]
    epsilon: Floats
    source: tuple[str, ...]

    @classmethod
    def empty(cls) -> "Elasticities":
        """No products."""
        none = np.zeros(0)
        return cls("", none, none, none, none, (), none, ())

    @classmethod
    def resolve(
        cls, world: "World", table: pl.DataFrame | str | None, home_share: Floats | None
    ) -> "Elasticities":
        """Match a table (or a named embedded set) to a world's products: longest prefix wins.

        Raises
        ------
        DataError
            If a product finds no value, or a value is not allowed.
        """
        name = "user"
        if table is None or isinstance(table, str):
            from tradewedge.sources import elasticity_set

            name = table or "central"
            table = elasticity_set(name, world.vintage or "HS2022")
            if world.observed_importers is not None:
                table = table.with_columns(epsilon=pl.lit(np.inf))
        rules = _rules(table)
        k = len(world.products)
        sigma, eta, eps = np.empty(k), np.empty(k), np.empty(k)
        source = []
        for row, product in enumerate(world.products):
            found = {key: _first(rules, product, key) for key in ("sigma", "eta", "epsilon")}
            missing = [key for key, value in found.items() if value is None]
            if missing:
                raise DataError(
                    f"elasticities {name!r} give product {product!r} no {' and no '.join(missing)}:"
                    ' add a row for it, for a shorter prefix, or a default row with product ""'
                )
            sigma[row], eta[row], eps[row] = (float(v[0]) for v in found.values() if v)
            source.append(found["sigma"][1] if found["sigma"] else "")
        epsilon = _by_exporter(table, world, eps[world.exporter_product])
        share = np.full(k, np.nan) if home_share is None else home_share
        made = cls(name, sigma, eta, share, eta, (), epsilon, tuple(source))
        return made._derive(world)

    def override(
        self, world: "World", sigma: float | None, eta: float | None, epsilon: float | None
    ) -> "Elasticities":
        """The same with one value for all products."""
        changes = {"sigma": sigma, "eta": eta, "epsilon": epsilon}
        named = ", ".join(f"{key}={value:g}" for key, value in changes.items() if value is not None)
        if not named:
            return self
        made = replace(
            self,
            set_name=f"{self.set_name}, {named}",
            sigma=self.sigma if sigma is None else np.full_like(self.sigma, sigma),
            eta_composite=self.eta_composite if eta is None else np.full_like(self.eta, eta),
            epsilon=self.epsilon if epsilon is None else np.full_like(self.epsilon, epsilon),
            source=tuple(f"{text}; set to {named}" for text in self.source),
        )
        return made._derive(world)

    def select(self, products: NDArray[np.bool_], exporters: NDArray[np.bool_]) -> "Elasticities":
        """Keep some products and the exporter rows that belong to them."""
        pick = np.flatnonzero(products)
        return Elasticities(
            self.set_name,
            self.sigma[pick],
            self.eta_composite[pick],
            self.home_share[pick],
            self.eta[pick],
            tuple(self.eta_kind[k] for k in pick),
            self.epsilon[exporters],
            tuple(self.source[k] for k in pick),
        )

    def _derive(self, world: "World") -> "Elasticities":
        """Fill eta and eta_kind and check every value."""
        has_home = np.zeros(self.sigma.size, dtype=bool)
        has_home[world.flow_product[world.home]] = True
        convert = ~has_home & ~np.isnan(self.home_share)
        h = np.where(convert, self.home_share, 0.0)
        kind = np.where(has_home, COMPOSITE, np.where(convert, IMPORT_DEMAND, UNADJUSTED))
        made = replace(
            self,
            eta=h * self.sigma + (1.0 - h) * self.eta_composite,
            eta_kind=tuple(str(text) for text in kind),
        )
        made._check(world)
        return made

    def _check(self, world: "World") -> None:
        eps_low = np.full(self.sigma.size, np.inf)
        np.minimum.at(eps_low, world.exporter_product, self.epsilon)
        problems = {
            "sigma must be positive and finite": ~((self.sigma > 0) & np.isfinite(self.sigma)),
            "eta must be 0 or more and finite": ~((self.eta >= 0) & np.isfinite(self.eta)),
            "epsilon must be 0 or more": ~(eps_low >= 0),
            "eta and epsilon cannot both be 0: no price clears such a market": (
                (self.eta == 0) & (eps_low == 0)
            ),
        }
        for text, bad in problems.items():
            if bad.any():
                names = [world.products[k] for k in np.flatnonzero(bad)[:5]]
                raise DataError(
                    f"elasticities {self.set_name!r}: {text}; wrong for {int(bad.sum())} "
                    f"product(s): {', '.join(names)}"
                )


_Rules = dict[str, dict[str, tuple[float, str]]]


def _rules(table: pl.DataFrame) -> _Rules:
    """Prefix -> parameter -> (value, source), for rows that hold for all exporters."""
    needed = {"product", "sigma", "eta", "epsilon"}
    missing = needed - set(table.columns)
    if missing:
        raise DataError(
            f"elasticities: column(s) {', '.join(sorted(missing))} missing; "
            "needed: product, sigma, eta, epsilon; optional: exporter, source, standard_error"
        )
    if table.schema["product"] != pl.String:
        raise DataError('elasticities: product must be a string column ("010121", not 10121)')
    general = table.filter(pl.col("exporter").is_null()) if "exporter" in table.columns else table
    if general["product"].is_duplicated().any():
        twice = general.filter(pl.col("product").is_duplicated())["product"][0]
        raise DataError(f"elasticities: two rows for product {twice!r}")
    source = general["source"] if "source" in table.columns else [None] * general.height
    rules: _Rules = {}
    columns = (general["product"], general["sigma"], general["eta"], general["epsilon"], source)
    for product, sigma, eta, epsilon, text in zip(*columns, strict=True):
        values = {"sigma": sigma, "eta": eta, "epsilon": epsilon}
        rules[product] = {
            key: (value, text or "user table") for key, value in values.items() if value is not None
        }
    return rules


def _prefixes(product: str) -> Iterator[str]:
    for length in range(len(product), -1, -1):
        yield product[:length]


def _first(rules: _Rules, product: str, key: str) -> tuple[float, str] | None:
    """The value of the longest prefix that has one."""
    for prefix in _prefixes(product):
        found = rules.get(prefix, {}).get(key)
        if found is not None:
            return found
    return None


def _by_exporter(table: pl.DataFrame, world: "World", epsilon: Floats) -> Floats:
    """Replace epsilon on exporter rows that the table names."""
    if "exporter" not in table.columns:
        return epsilon
    named = table.filter(pl.col("exporter").is_not_null() & pl.col("epsilon").is_not_null())
    rules = {(p, c): e for p, c, e in named.select("product", "exporter", "epsilon").iter_rows()}
    countries = {c for _, c in rules}
    made = epsilon.copy()
    exporters = np.array(world.countries)[world.exporter_country]
    for row in np.flatnonzero(np.isin(exporters, sorted(countries))):
        product = world.products[world.exporter_product[row]]
        country = str(exporters[row])
        for prefix in _prefixes(product):
            if (prefix, country) in rules:
                made[row] = rules[prefix, country]
                break
    return made
