"""What a result says about itself: the manifest but for the files, and the tables to keep."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge.codes import product_text
from tradewedge.policy import Exclusion, Wedges
from tradewedge.store.manifest import FORMAT_VERSION, config_hash, surroundings
from tradewedge.world import World

if TYPE_CHECKING:
    from tradewedge.result import Result


def describe(result: "Result", config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest of a result, without its files."""
    return {
        "format_version": FORMAT_VERSION,
        **surroundings(),
        "config": config,
        "config_hash": config_hash(config),
        "data_hash": result.world.data_hash,
        "world": _world(result.world),
        "model": result.model,
        "backend": _backend(result),
        "reference": None if result.reference is None else result.reference.to_dict(),
        "scenarios": [_scenario(result, wedges) for wedges in _wedges(result)],
        "statuses": _statuses(result),
        "timings": dict(result.timings),
        "notes": [*result.notes, *_doubts(result)],
    }


def frames(
    result: "Result", extra: Mapping[str, pl.LazyFrame] | None = None
) -> dict[str, pl.LazyFrame]:
    """Return every table of a result, with those that explain it.

    ``products``: product, text, critical, eta_composite, home_share. ``coverage``: scenario,
    product, flows, value_base (thousand USD) of the flows that a scenario, or the reference,
    touches.
    """
    return {
        **result.tables(),
        "products": _products(result.world).lazy(),
        "coverage": _coverage(result).lazy(),
        **(extra or {}),
    }


def _world(world: World) -> dict[str, Any]:
    known = world.tariff_importers
    return {
        "name": world.name,
        "year": world.year,
        "vintage": world.vintage,
        "products": len(world.products),
        "countries": len(world.countries),
        "flows": int(world.value.size),
        "value": float(world.value.sum()),
        "home_flows": int(world.home.sum()),
        "home_value": float(world.value[world.home].sum()),
        "elasticities": world.elasticities.set_name,
        "observed_importers": world.observed_importers,
        "tariff_importers": None if known is None else sorted(known),
        "aggregates": dict(world.aggregates),
        "notes": world.notes,
    }


def _backend(result: "Result") -> dict[str, Any]:
    return {"name": result.backend, "reason": result.backend_reason}


def _wedges(result: "Result") -> list[Wedges]:
    return [solution.wedges for solution in result.solutions]


def _touched_flows(result: "Result", wedges: Wedges) -> NDArray[np.bool_]:
    """Flows that differ by policy from what they are compared with."""
    base = result.base if isinstance(result.base, Wedges) else result.base.wedges
    return wedges.touched_flows | base.touched_flows


def _scenario(result: "Result", wedges: Wedges) -> dict[str, Any]:
    world, scenario = result.world, wedges.scenario
    touched = _touched_flows(result, wedges)
    importers = np.unique(world.flow_importer[touched])
    return {
        **scenario.to_dict(),
        "hypothetical": scenario.hypothetical,
        "excludes": any(isinstance(measure, Exclusion) for measure in scenario.measures),
        "touched_products": np.unique(world.flow_product[touched]).size,
        "touched_flows": int(touched.sum()),
        "touched_value_base": float(world.value[touched].sum()),
        "importers": [world.countries[j] for j in importers],
        "matches": [
            {
                "label": match.label,
                "flows": match.flows,
                "products": match.products,
                "value_base": match.value_base,
                "covered_value": match.covered_value,
                "home_flows": match.home_flows,
                "home_value": match.home_value,
                "exporters": match.exporters,
                "importers": match.importers,
            }
            for match in wedges.matches
        ],
        "warnings": wedges.warnings,
    }


def _doubts(result: "Result") -> list[str]:
    """What looks like a slip in the scenarios, said once per measure."""
    found = [
        f"Scenario {wedges.scenario.name}: {match.label}: {doubt}."
        for wedges in _wedges(result)
        for match in wedges.matches
        for doubt in match.measure.doubts
    ]
    return list(dict.fromkeys(found))


def _statuses(result: "Result") -> dict[str, dict[str, int]]:
    counts = result.status().group_by("scenario", "status").len().sort("scenario", "status")
    found: dict[str, dict[str, int]] = {}
    for scenario, status, number in counts.collect().iter_rows():
        found.setdefault(scenario, {})[status] = number
    return found


def _products(world: World) -> pl.DataFrame:
    vintage = world.vintage
    texts = [None if vintage is None else product_text(p, vintage) for p in world.products]
    critical = None if world.critical is None else world.critical.tolist()
    e = world.elasticities
    return pl.DataFrame(
        {
            "product": list(world.products),
            "text": texts,
            "critical": critical,
            "eta_composite": e.eta_composite,
            "home_share": e.home_share,
        },
        schema={
            "product": pl.String,
            "text": pl.String,
            "critical": pl.Boolean,
            "eta_composite": pl.Float64,
            "home_share": pl.Float64,
        },
    ).with_columns(pl.col("home_share").fill_nan(None))


def _coverage(result: "Result") -> pl.DataFrame:
    world = result.world
    k = len(world.products)
    parts = []
    for wedges in _wedges(result):
        rows = _touched_flows(result, wedges)
        flows = np.bincount(world.flow_product[rows], minlength=k)
        value = np.bincount(world.flow_product[rows], world.value[rows], minlength=k)
        touched = np.flatnonzero(flows)
        parts.append(
            pl.DataFrame(
                {
                    "scenario": [wedges.scenario.name] * touched.size,
                    "product": world.product_column(touched),
                    "flows": flows[touched],
                    "value_base": value[touched],
                },
                schema={
                    "scenario": pl.String,
                    "product": pl.String,
                    "flows": pl.Int64,
                    "value_base": pl.Float64,
                },
            )
        )
    return pl.concat(parts)
