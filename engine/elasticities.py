"""Which sigma, eta and epsilon each product of a world gets, and from where."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge import matching
from tradewedge.errors import DataError
from tradewedge.sources.elasticitytable import (
    ERRORS,
    is_file_name,
    joined,
    read_elasticities,
    told,
)

if TYPE_CHECKING:
    from tradewedge.world import World

Floats = NDArray[np.float64]

#: eta as the model uses it: the composite's, the import-demand elasticity made from it with the
#: home share, or the composite's taken as it is because the home share is unknown.
COMPOSITE, IMPORT_DEMAND, UNADJUSTED = "composite", "import_demand", "unadjusted"

#: What a source says of eta whose home share a user has set.
_HOME_SHARE: Final = re.compile(r", home share set to [\d.e-]+")


@dataclass(frozen=True, eq=False)
class Elasticities:
    """Elasticities aligned with the products and exporter rows of one world.

    Attributes
    ----------
    set_name : str
    sigma : float64 [K]
        Substitution among suppliers, of tariff-exclusive flows; positive.
    sigma_standard_error, eta_standard_error : float64 [K]
        NaN where none is known; the second of ``eta_composite``.
    eta_composite : float64 [K]
        Demand for the composite of all suppliers, home included; non-negative.
    home_share : float64 [K]
        Share of home producers in spending where the world has no domestic rows; NaN unknown.
    eta : float64 [K]
        What the model uses: ``eta_composite``, or ``h * sigma + (1 - h) * eta_composite`` for
        products without domestic rows whose home share is known.
    eta_kind : tuple of str [K]
        "composite", "import_demand" or "unadjusted".
    epsilon, epsilon_standard_error : float64 [X]
        Supply of each exporter row; may be infinite.
    source : tuple of str [K]
        Where the numbers are from; ``sigma: a; eta: b; epsilon: c`` where they differ.
    prefixes : mapping of str to tuple of (str or None) [K]
        "sigma", "eta", "epsilon" -> the prefix whose row gave each product its number: its own
        code, a shorter one, "" for the default; None where no row did, such as after ``override``.
        Empty where nothing is known of it.
    """

    set_name: str
    sigma: Floats
    sigma_standard_error: Floats
    eta_composite: Floats
    eta_standard_error: Floats
    home_share: Floats
    eta: Floats
    eta_kind: tuple[str, ...]
    epsilon: Floats
    epsilon_standard_error: Floats
    source: tuple[str, ...]
    prefixes: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)

    @classmethod
    def empty(cls) -> "Elasticities":
        """No products."""
        none = np.zeros(0)
        return cls("", none, none, none, none, none, none, (), none, none, ())

    @classmethod
    def resolve(
        cls,
        world: "World",
        table: pl.DataFrame | pl.LazyFrame | str | Path | None,
        home_share: Floats | None,
    ) -> "Elasticities":
        """Match a table, its file or a named set to a world's products: longest prefix wins.

        Raises
        ------
        DataError
            If a product finds no value, or a value is not allowed.
        """
        name, given = "user", table
        if isinstance(given, str | Path) and is_file_name(given):
            name, given = Path(given).name, read_elasticities(given)
        elif given is None or isinstance(given, str | Path):
            from tradewedge.sources import elasticity_set

            name = str(given or "central")
            named = elasticity_set(name, world.vintage or "HS2022")
            if world.observed_importers is not None:
                named = named.with_columns(epsilon=pl.lit(np.inf))
            given = named
        table = matching.read(given, world)
        rules = matching.rules(table)
        k = len(world.products)
        sigma, eta, eps = np.empty(k), np.empty(k), np.empty(k)
        source = []
        prefixes: dict[str, list[str | None]] = {key: [] for key in rules}
        for row, product in enumerate(world.products):
            all_found = {key: matching.longest(rules[key], product) for key in rules}
            found = {key: value for key, value in all_found.items() if value is not None}
            missing = [key for key in rules if key not in found]
            if missing:
                raise DataError(
                    f"elasticities {name!r} give product {product!r} no {' and no '.join(missing)}:"
                    ' add a row for it, for a shorter prefix, or a default row with product ""'
                )
            sigma[row], eta[row], eps[row] = (value for _, value, _ in found.values())
            source.append(joined({key: told(text, key) for key, (_, _, text) in found.items()}))
            for key, (prefix, _, _) in found.items():
                prefixes[key].append(prefix)
        sigma_error, eta_error, eps_error = (
            matching.errors(table, number, world.products) for number in ERRORS
        )
        rows = world.exporter_product
        share = np.full(k, np.nan) if home_share is None else home_share
        made = cls(
            set_name=name,
            sigma=sigma,
            sigma_standard_error=sigma_error,
            eta_composite=eta,
            eta_standard_error=eta_error,
            home_share=share,
            eta=eta,
            eta_kind=(),
            epsilon=matching.by_exporter(table, world, "epsilon", eps[rows]),
            epsilon_standard_error=matching.by_exporter(
                table, world, ERRORS["epsilon"], eps_error[rows]
            ),
            source=tuple(source),
            prefixes={key: tuple(values) for key, values in prefixes.items()},
        )
        return made.derive(world)

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
            **{
                f"{key}_standard_error": np.full_like(getattr(self, key), np.nan)
                for key, value in changes.items()
                if value is not None
            },
            source=tuple(_like(_reset(text, changes), text) for text in self.source),
            prefixes={
                key: values if changes[key] is None else (None,) * len(values)
                for key, values in self.prefixes.items()
            },
        )
        return made.derive(world)

    def with_home_share(self, world: "World", share: Floats) -> "Elasticities":
        """The same with another share of home producers where ``share`` [K] is not NaN."""
        given = ~np.isnan(share)
        told = {f"{value:g}" for value in share[given]}
        said = f"={told.pop()}" if len(told) == 1 else " set"
        part = "" if given.all() else f" for {int(given.sum())} of {given.size} products"
        made = replace(
            self,
            set_name=f"{self.set_name}, home_share{said}{part}",
            home_share=np.where(given, share, self.home_share),
            source=tuple(
                text if np.isnan(value) else _noted(text, f", home share set to {value:g}")
                for text, value in zip(self.source, share, strict=True)
            ),
        )
        return made.derive(world)

    def after(self, before: "Elasticities") -> "Elasticities":
        """The same, saying of which products a user has set the home share that it took over."""
        pairs = zip(self.source, before.source, strict=True)
        return replace(self, source=tuple(_like(text, old) for text, old in pairs))

    def select(self, products: NDArray[np.bool_], exporters: NDArray[np.bool_]) -> "Elasticities":
        """Keep some products and the exporter rows that belong to them."""
        pick = np.flatnonzero(products)
        return replace(
            self,
            sigma=self.sigma[pick],
            sigma_standard_error=self.sigma_standard_error[pick],
            eta_composite=self.eta_composite[pick],
            eta_standard_error=self.eta_standard_error[pick],
            home_share=self.home_share[pick],
            eta=self.eta[pick],
            eta_kind=tuple(self.eta_kind[k] for k in pick),
            epsilon=self.epsilon[exporters],
            epsilon_standard_error=self.epsilon_standard_error[exporters],
            source=tuple(self.source[k] for k in pick),
            prefixes={key: tuple(values[k] for k in pick) for key, values in self.prefixes.items()},
        )

    def derive(self, world: "World") -> "Elasticities":
        """Fill eta and eta_kind and check every value."""
        has_home = np.zeros(self.sigma.size, dtype=bool)
        has_home[world.flow_product[world.home]] = True
        convert = ~has_home & ~np.isnan(self.home_share)
        h = self.home_share[convert]
        eta = self.eta_composite.copy()
        eta[convert] = h * self.sigma[convert] + (1.0 - h) * eta[convert]
        kind = np.where(has_home, COMPOSITE, np.where(convert, IMPORT_DEMAND, UNADJUSTED))
        made = replace(self, eta=eta, eta_kind=tuple(str(text) for text in kind))
        made._check(world)
        return made

    def _check(self, world: "World") -> None:
        k = self.sigma.size
        bad_supply = np.bincount(world.exporter_product, ~(self.epsilon >= 0), k) > 0
        fixed_supply = np.bincount(world.exporter_product, self.epsilon == 0, k) > 0
        problems = {
            "sigma must be positive and finite": ~((self.sigma > 0) & np.isfinite(self.sigma)),
            "eta must be 0 or more and finite": ~((self.eta >= 0) & np.isfinite(self.eta)),
            "epsilon must be 0 or more": bad_supply,
            "eta and epsilon cannot both be 0: no price clears such a market": (
                (self.eta == 0) & fixed_supply
            ),
        }
        for text, bad in problems.items():
            if bad.any():
                names = [world.products[k] for k in np.flatnonzero(bad)[:5]]
                raise DataError(
                    f"elasticities {self.set_name!r}: {text}; wrong for {int(bad.sum())} "
                    f"product(s): {', '.join(names)}"
                )


def _reset(text: str, changes: Mapping[str, float | None]) -> str:
    """The source of a product, some of whose numbers are set for all products."""
    return joined(
        {
            name: told(text, name) if value is None else f"set to {value:g}"
            for name, value in changes.items()
        }
    )


def _noted(text: str, note: str) -> str:
    """A source with a note on the home share in what it says of eta."""
    parts = {name: _HOME_SHARE.sub("", told(text, name)) for name in ERRORS}
    return joined(parts | {"eta": parts["eta"] + note})


def _like(text: str, before: str) -> str:
    """A source with the note on the home share that another one has."""
    found = _HOME_SHARE.search(before)
    return text if found is None else _noted(text, found.group())
