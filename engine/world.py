"""The calibrated baseline: trade flows, duties and elasticities as sorted, indexed arrays."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge import homeshare, horizon, intake, segments
from tradewedge.codes import nearest
from tradewedge.duty import Duty, stack
from tradewedge.elasticities import Elasticities
from tradewedge.errors import DataError
from tradewedge.kernels.market import Market, row_sums

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ROWS = 1 << 18
_OF_FLOWS = (
    *("_exporters", "_importers", "share", "sales_share"),
    *("home", "tariff_base", "tariff_known", "duty_paid"),
)
"""Cached properties that no elasticity changes."""


@dataclass(frozen=True, eq=False)
class World:
    """One year of bilateral trade in K products between N countries, calibrated.

    Rows of flows are sorted by product, exporter, importer. Build one with
    :meth:`from_flows`, :func:`tradewedge.load_world` or from a directory that :meth:`save` wrote.

    Attributes
    ----------
    products, countries : tuple of str
        Sorted codes; integer arrays below index into them.
    flow_product, flow_exporter, flow_importer : int64 [F]
    value : float64 [F]
        Border value, thousand USD.
    quantity : float64 [F]
        Metric tons; NaN where not reported.
    duties : tuple of Duty
        The baseline tariff, by authority.
    tariff_importers : frozenset of str or None
        Importers whose baseline tariffs are known; None: all. Unknown is not zero: the model has
        to treat such a tariff as zero, but no revenue is reported for it.
    elasticities : Elasticities
    aggregates : mapping
        Countries of this world that stand for several, and their members.
    observed_importers : tuple of str or None
        Importers whose purchases the world sees; None: all. With one observed importer, epsilon
        is the export supply *to this market*, and nothing can be said of other markets.
    critical : bool [K] or None
        On the current US critical-minerals list.
    tariff_law : str or None
        ISO day, or year, of the US law that the duties of the United States are; None: they are
        those of the world's own year. A scenario under the law of a day counts from it.
    audit : DataFrame
        What was read, kept and dropped, and why: step, reason, rows, value.
    """

    name: str
    year: int | None
    vintage: str | None
    products: tuple[str, ...]
    countries: tuple[str, ...]
    flow_product: Ints
    flow_exporter: Ints
    flow_importer: Ints
    value: Floats
    quantity: Floats
    duties: tuple[Duty, ...]
    tariff_importers: frozenset[str] | None
    elasticities: Elasticities
    aggregates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    observed_importers: tuple[str, ...] | None = None
    critical: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()
    tariff_law: str | None = None
    audit: pl.DataFrame = field(default_factory=intake.empty_audit)

    @classmethod
    def from_flows(
        cls,
        flows: pl.DataFrame | pl.LazyFrame,
        elasticities: pl.DataFrame | pl.LazyFrame | str | Path | None = None,
        tariffs: pl.DataFrame | pl.LazyFrame | None = None,
        home_sales: pl.DataFrame | pl.LazyFrame | None = None,
        *,
        name: str = "user",
        year: int | None = None,
        vintage: str | None = None,
        tariff_importers: Sequence[str] | str | None = None,
        aggregates: Mapping[str, Sequence[str]] | None = None,
        observed_importers: Sequence[str] | None = None,
        home_share: pl.DataFrame | None = None,
        critical: Sequence[str] | None = None,
        notes: Sequence[str] = (),
        tariff_law: str | None = None,
        audit: pl.DataFrame | None = None,
    ) -> "World":
        """Calibrate a world from tidy tables.

        Parameters
        ----------
        flows : frame
            product, exporter, importer, value (thousand USD at the border) and optionally
            quantity (tons). Keys are unique; ``exporter == importer`` rows are domestic sales.
            Rows of value 0 are dropped and counted; a quantity of 0 is read as not reported.
        elasticities : frame, str or path, optional
            product (longest prefix wins; "" is everything), sigma, eta, epsilon and optionally
            exporter, source, standard_error; or the path of such a table (.csv, .parquet, or .yaml
            that describes one); or the name of an embedded set. Default "central".
            :mod:`tradewedge.sources.elasticitytable` tells what may stand for sigma.
        tariffs : frame, optional
            product, exporter, importer, rate (fraction), authority. Rates on one flow add up.
        home_sales : frame, optional
            product, country, value and optionally quantity: added as domestic rows.
        vintage : str, optional
            HS edition of the product codes, such as "HS2017": products are then checked, and
            named lists and elasticities are translated to it.
        tariff_importers : sequence of str or "*", optional
            Importers whose tariffs ``tariffs`` holds in full. Default: those it mentions.
        aggregates : mapping, optional
            Partner codes that stand for several countries, with their ISO3 members.
        observed_importers : sequence of str, optional
            Set it when the data see only these importers' purchases. Named elasticity sets then
            give infinite epsilon; a table's epsilon is taken as supply to this market.
        home_share : frame, optional
            product, home_share: share of home producers in spending, for products without
            domestic rows. Their eta becomes the import-demand elasticity
            ``h * sigma + (1 - h) * eta``.
        critical : sequence of str, optional
            Products flagged as critical.
        tariff_law : str, optional
            ISO day, or year, of the US law that ``tariffs`` holds, where that is not ``year``.

        Raises
        ------
        DataError
            For missing columns, unknown codes, duplicate keys, missing or negative numbers.
        ConfigError
            For an unknown elasticity set or vintage.
        """
        declared = {code: tuple(members) for code, members in (aggregates or {}).items()}
        table = intake.read_flows(flows, home_sales, declared, vintage)
        index = intake.index_flows(table.frame)
        duties, duty_audit = intake.read_tariffs(tariffs, table.frame, declared)
        known = intake.known_tariffs(tariffs, tariff_importers, index.countries)
        partial = None if observed_importers is None else tuple(observed_importers)
        if partial is not None:
            intake.check_observed(index, partial)
        audits = [a for a in (audit, table.audit, duty_audit) if a is not None]
        world = cls(
            name=name,
            year=year,
            vintage=vintage,
            products=index.products,
            countries=index.countries,
            flow_product=index.product,
            flow_exporter=index.exporter,
            flow_importer=index.importer,
            value=intake.column(table.frame, "value"),
            quantity=intake.column(table.frame, "quantity"),
            duties=duties,
            tariff_importers=known,
            elasticities=Elasticities.empty(),
            aggregates=declared,
            observed_importers=partial,
            critical=None
            if critical is None
            else np.isin(np.array(index.products), np.array(list(critical), dtype=str)),
            notes=tuple(notes),
            tariff_law=tariff_law,
            audit=pl.concat(audits),
        )
        shares = None if home_share is None else intake.read_home_share(home_share, index.products)
        return replace(world, elasticities=Elasticities.resolve(world, elasticities, shares))

    def with_elasticities(
        self,
        elasticities: pl.DataFrame | pl.LazyFrame | str | Path | None = None,
        *,
        sigma: float | None = None,
        eta: float | None = None,
        epsilon: float | None = None,
    ) -> "World":
        """The same world with another set of elasticities.

        Parameters
        ----------
        elasticities : frame, str or path, optional
            As in :meth:`from_flows`; default: keep what the world has.
        sigma, eta, epsilon : float, optional
            One value for every product, on top of that; ``eta`` is the composite's.
        """
        base = self.elasticities if elasticities is None else self._resolved(elasticities)
        return self._with(base.override(self, sigma, eta, epsilon))

    def with_home_share(self, home_share: homeshare.Given) -> "World":
        """The same world with another share of home producers in what importers spend.

        Where the flows hold no domestic sales, eta of the imports is made of the composite's,
        ``h * sigma + (1 - h) * eta``. Lower h for goods that the importer does not make. It stays
        when other elasticities are set later.

        Parameters
        ----------
        home_share : number, mapping, frame or path
            Between 0 and 1: one for all products, or by HS prefix (the longest wins, ``"*"`` is
            all others), as a mapping or a table with the columns product and home_share. Products
            that none names keep what they have; so do those with domestic rows.

        Raises
        ------
        ConfigError
            For a number that is no share.
        DataError
            For a prefix that no product has, or where nothing is left to change.
        """
        shares = homeshare.read(home_share, self)
        return self._with(self.elasticities.with_home_share(self, shares))

    def _with(self, elasticities: Elasticities) -> "World":
        """The same world with other elasticities; what follows from its flows alone is kept."""
        made = replace(self, elasticities=elasticities)
        vars(made).update({name: vars(self)[name] for name in _OF_FLOWS if name in vars(self)})
        return made

    def _resolved(self, table: pl.DataFrame | pl.LazyFrame | str | Path) -> Elasticities:
        """A table or set for this world, with the home shares that it has."""
        held = self.elasticities
        return Elasticities.resolve(self, table, held.home_share).after(held)

    def at_horizon(
        self,
        years: float,
        *,
        short: pl.DataFrame | pl.LazyFrame | str = "short",
        long: pl.DataFrame | pl.LazyFrame | str = "long",
    ) -> "World":
        """The same world with the elasticities that hold some years after a change.

        They replace those that the world has; see :mod:`tradewedge.horizon` for the equation.

        Parameters
        ----------
        years : float
            0 or more; ``math.inf`` is the long run.
        short, long : frame or str
            Elasticities after one year and in the long run, as in :meth:`from_flows`.

        Raises
        ------
        ConfigError
            For a horizon that is none, or an unknown set.
        """
        near, far = self._resolved(short), self._resolved(long)
        return self._with(horizon.between(near, far, years).derive(self))

    def select(self, products: str | Sequence[str]) -> "World":
        """The same world with some of its products; countries keep their places.

        Parameters
        ----------
        products : str or sequence of str
            Codes, or prefixes of codes: "2846" takes 284610 and 284690.

        Raises
        ------
        DataError
            If a code begins no product of the world, or none is asked for.
        """
        asked = [products] if isinstance(products, str) else list(products)
        if not asked:
            raise DataError(f"no product of world {self.name!r} selected")
        wanted = set(asked) & set(self.products)
        prefixes = tuple(sorted(set(asked) - wanted))
        missing = [
            prefix
            for prefix in prefixes
            if not prefix or not any(product.startswith(prefix) for product in self.products)
        ]
        if missing:
            near = nearest(missing[0], self.products)
            raise DataError(
                f"world {self.name!r} has no product {', '.join(missing[:5])}; nearest: "
                f"{', '.join(near) or 'none'}"
            )
        wanted |= {product for product in self.products if product.startswith(prefixes)}
        keep_k = np.array([p in wanted for p in self.products], dtype=bool)
        rows = np.flatnonzero(keep_k[self.flow_product])
        kept = f"kept: {len(wanted)} of {len(self.products)} products"
        selected = ("select", kept, rows.size, float(self.value[rows].sum()))
        new_k = np.cumsum(keep_k) - 1
        new_row = np.full(self.value.size, -1, dtype=np.int64)
        new_row[rows] = np.arange(rows.size)
        duties = []
        for duty in self.duties:
            inside = new_row[duty.rows] >= 0
            duties.append(Duty(duty.authority, new_row[duty.rows[inside]], duty.rate[inside]))
        return replace(
            self,
            products=tuple(p for p in self.products if p in wanted),
            flow_product=new_k[self.flow_product[rows]],
            flow_exporter=self.flow_exporter[rows],
            flow_importer=self.flow_importer[rows],
            value=self.value[rows],
            quantity=self.quantity[rows],
            duties=tuple(duties),
            elasticities=self.elasticities.select(keep_k, keep_k[self.exporter_product]),
            critical=None if self.critical is None else self.critical[keep_k],
            audit=pl.concat([self.audit, intake.audit_rows([selected])]),
        )

    def split_importer(self, country: str, shares: Mapping[str, float]) -> "World":
        """The same world with parts of one importer's demand set apart.

        ``world.split_importer("USA", {"defence": 0.05})`` adds the importer "USA:defence". See
        :func:`tradewedge.segments.split_importer`.
        """
        return segments.split_importer(self, country, shares)

    def save(self, directory: str | Path, *, overwrite: bool = False) -> Path:
        """Write the world to a directory that :func:`tradewedge.load_world` opens.

        Raises
        ------
        ConfigError
            If the directory exists and ``overwrite`` is false.
        """
        from tradewedge import worldfile

        return worldfile.save(self, Path(directory), overwrite=overwrite)

    def elasticity_sources(self) -> pl.DataFrame:
        """Where each elasticity is from: own code, prefix or default, source, standard error.

        One row per product and elasticity; see :func:`tradewedge.provenance.provenance`.
        """
        from tradewedge.provenance import provenance

        return provenance(self)

    def flows(self) -> pl.LazyFrame:
        """The baseline as a tidy table: product, exporter, importer, value, quantity, tariff."""
        known = self.tariff_known
        return pl.DataFrame(
            {
                **self.flow_keys(),
                "value": self.value,
                "quantity": pl.Series(self.quantity).fill_nan(None),
                "tariff": pl.Series(np.where(known, self.tariff_base, np.nan)).fill_nan(None),
            }
        ).lazy()

    def flow_keys(self) -> dict[str, pl.Series]:
        """The key columns of every flow row, as strings."""
        return {
            "product": self.product_column(self.flow_product),
            "exporter": self.country_column(self.flow_exporter),
            "importer": self.country_column(self.flow_importer),
        }

    def product_column(self, index: Ints) -> pl.Series:
        """Product codes for an index array, as a string column."""
        return pl.Series(list(self.products), dtype=pl.String).gather(index)

    def country_column(self, index: Ints) -> pl.Series:
        """Country codes for an index array, as a string column."""
        return pl.Series(list(self.countries), dtype=pl.String).gather(index)

    @property
    def sigma(self) -> Floats:
        """Substitution among suppliers, [K]."""
        return self.elasticities.sigma

    @property
    def eta(self) -> Floats:
        """Demand elasticity that the model uses, [K]; see ``elasticities.eta_kind``."""
        return self.elasticities.eta

    @property
    def epsilon(self) -> Floats:
        """Supply elasticity of every exporter row, [X]."""
        return self.elasticities.epsilon

    @cached_property
    def home(self) -> NDArray[np.bool_]:
        """True for domestic sales, [F]."""
        buyer = self.flow_importer
        if np.any(self.parent != np.arange(self.parent.size)):
            buyer = self.parent[buyer]
        made: NDArray[np.bool_] = self.flow_exporter == buyer
        return made

    @cached_property
    def exporter_code(self) -> NDArray[np.unsignedinteger]:
        """``flow_exporter`` in as few bytes as will do, [F]: quick to look things up by."""
        return self.flow_exporter.astype(np.min_scalar_type(len(self.countries)))

    @cached_property
    def importer_code(self) -> NDArray[np.unsignedinteger]:
        """``flow_importer`` in as few bytes as will do, [F]."""
        return self.flow_importer.astype(np.min_scalar_type(len(self.countries)))

    @cached_property
    def flow_ptr(self) -> Ints:
        """First flow row of each product, [K + 1]."""
        return np.searchsorted(self.flow_product, np.arange(len(self.products) + 1))

    @cached_property
    def sales_ptr(self) -> Ints:
        """First flow row of each exporter row, [X + 1]."""
        row = self.exporter_row
        first = np.flatnonzero(row[1:] != row[:-1]) + 1
        return np.concatenate([[0], first, [row.size]])

    @cached_property
    def parent(self) -> Ints:
        """Index of the country that each country is a segment of, or its own, [N]."""
        return segments.parents(self.countries)

    @cached_property
    def tariff_base(self) -> Floats:
        """Stacked baseline rate, [F]; 0 where unknown."""
        return stack(self.duties, self.value.size)

    @cached_property
    def tariff_known(self) -> NDArray[np.bool_]:
        """Whether the baseline tariff of a flow is known, [F]; at home it always is."""
        if self.tariff_importers is None:
            return np.ones(self.value.size, dtype=bool)
        known = np.array([c in self.tariff_importers for c in self.countries], dtype=bool)
        return known[self.flow_importer] | self.home

    @cached_property
    def _exporters(self) -> tuple[Ints, Ints]:
        """Exporter row of each flow, and the key of each such row."""
        return self._number(self.flow_exporter)

    @cached_property
    def _importers(self) -> tuple[Ints, Ints]:
        """Importer row of each flow, and the key of each such row."""
        return self._number(self.flow_importer)

    def derived(self) -> dict[str, NDArray[Any]]:
        """Rows and shares: what follows from flows and duties, and takes longer than to read."""
        (exporter_row, exporter_key), (importer_row, importer_key) = (
            self._exporters,
            self._importers,
        )
        return {
            "exporter_row": exporter_row,
            "exporter_key": exporter_key,
            "importer_row": importer_row,
            "importer_key": importer_key,
            "share": self.share,
            "sales_share": self.sales_share,
        }

    def with_derived(self, known: Mapping[str, NDArray[Any]]) -> "World":
        """This world, which need not work out what :meth:`derived` has returned for the same."""
        vars(self).update(
            _exporters=(known["exporter_row"], known["exporter_key"]),
            _importers=(known["importer_row"], known["importer_key"]),
            share=known["share"],
            sales_share=known["sales_share"],
        )
        return self

    def range_like(self, whole: "World", products: slice, flows: slice) -> "World":
        """This world, which holds a range of another's products, with the other's row numbers.

        It would count its rows again without, to the same result.
        """
        first = products.start * len(self.countries)
        for name in ("_exporters", "_importers"):
            row, keys = getattr(whole, name)
            inside = slice(*np.searchsorted(keys, (first, products.stop * len(self.countries))))
            self.__dict__[name] = row[flows] - inside.start, keys[inside] - first
        return self

    def _number(self, country: Ints) -> tuple[Ints, Ints]:
        """Place of each flow's (product, country) among those there are; their keys, ascending."""
        n = len(self.countries)
        # Some rows at a time: the arrays are large.
        pieces = [slice(start, start + _ROWS) for start in range(0, country.size, _ROWS)]
        there = np.zeros(len(self.products) * n, dtype=bool)
        for rows in pieces:
            there[self.flow_product[rows] * n + country[rows]] = True
        place = np.cumsum(there) - 1
        found = np.empty(country.size, dtype=np.int64)
        for rows in pieces:
            found[rows] = place[self.flow_product[rows] * n + country[rows]]
        return found, np.flatnonzero(there)

    @property
    def exporter_row(self) -> Ints:
        """Exporter row of each flow, [F]."""
        return self._exporters[0]

    @property
    def importer_row(self) -> Ints:
        """Importer row of each flow, [F]."""
        return self._importers[0]

    @cached_property
    def exporter_product(self) -> Ints:
        """Product of each exporter row, [X]."""
        return self._exporters[1] // len(self.countries)

    @cached_property
    def exporter_country(self) -> Ints:
        """Country of each exporter row, [X]."""
        return self._exporters[1] % len(self.countries)

    @cached_property
    def importer_product(self) -> Ints:
        """Product of each importer row, [M]."""
        return self._importers[1] // len(self.countries)

    @cached_property
    def importer_country(self) -> Ints:
        """Country of each importer row, [M]."""
        return self._importers[1] % len(self.countries)

    @cached_property
    def exporter_sales(self) -> Floats:
        """Sales of each exporter row at producer prices, thousand USD, [X]."""
        return row_sums(self.exporter_row, self.value, self.exporter_country.size)

    @cached_property
    def duty_paid(self) -> Floats:
        """Duty-paid value of each flow, thousand USD, [F]."""
        made = 1.0 + self.tariff_base
        made *= self.value
        return made

    @cached_property
    def expenditure(self) -> Floats:
        """Duty-paid spending of each importer row, thousand USD, [M]."""
        return row_sums(self.importer_row, self.duty_paid, self.importer_country.size)

    @cached_property
    def market(self) -> Market:
        """The arrays that kernels take; nests are off."""
        k = len(self.products)
        bounds = np.arange(k + 1)
        with ThreadPoolExecutor(2) as pool:  # NumPy leaves the other one time to work
            share, sales_share = pool.map(
                lambda name: getattr(self, name), ("share", "sales_share")
            )
        return Market(
            flow_ptr=self.flow_ptr,
            exporter_ptr=np.searchsorted(self.exporter_product, bounds),
            importer_ptr=np.searchsorted(self.importer_product, bounds),
            flow_exporter=self.exporter_row,
            flow_importer=self.importer_row,
            share=share,
            sales_share=sales_share,
            home=self.home,
            sigma=self.sigma,
            eta=self.eta,
            sigma_home=np.full(k, np.nan),
            epsilon=self.epsilon,
        )

    @cached_property
    def variants(self) -> dict[str, Market]:
        """Markets that a model has derived from :attr:`market`, by what was asked for."""
        return {}

    @cached_property
    def share(self) -> Floats:
        """Share of each flow in its importer's spending, [F]."""
        return _shares(self.duty_paid, self.expenditure, self.importer_row)

    @cached_property
    def sales_share(self) -> Floats:
        """Share of each flow in its exporter's sales, [F]."""
        return _shares(self.value, self.exporter_sales, self.exporter_row)

    @cached_property
    def data_hash(self) -> str:
        """SHA-256 over everything that decides a result: codes, flows, duties, elasticities."""
        known = self.tariff_importers
        words = [
            self.products,
            self.countries,
            self.vintage,
            None if known is None else sorted(known),
            sorted(self.aggregates.items()),
            self.observed_importers,
            [duty.authority for duty in self.duties],
        ]
        if self.tariff_law is not None:
            words.append(self.tariff_law)
        digest = hashlib.sha256(json.dumps(words).encode())
        arrays = [self.flow_product, self.flow_exporter, self.flow_importer, self.value]
        arrays += [self.quantity, self.sigma, self.eta, self.epsilon]
        for duty in self.duties:
            arrays += [duty.rows, duty.rate]
        for array in arrays:
            digest.update(array.size.to_bytes(8, "little"))
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def __repr__(self) -> str:
        year = "" if self.year is None else f" {self.year}"
        return (
            f"<World {self.name}{year}: {len(self.products):,} products, "
            f"{len(self.countries):,} countries, {self.value.size:,} flows, "
            f"{self.value.sum() / 1e6:,.1f} bn USD>"
        )


def _shares(value: Floats, total: Floats, row: Ints) -> Floats:
    """Value over the total of its row, [F]."""
    made = total[row]
    np.divide(value, made, out=made)
    return made
