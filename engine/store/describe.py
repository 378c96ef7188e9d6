"""What a result says about itself: the manifest but for the files, and the tables to keep."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tradewedge.codes import product_text
from tradewedge.kernels.market import Status
from tradewedge.policy import Exclusion, Wedges
from tradewedge.policy.difference import differing
from tradewedge.store.manifest import FORMAT_VERSION, config_hash, surroundings
from tradewedge.world import World

if TYPE_CHECKING:
    from tradewedge.models import Solution
    from tradewedge.result import Result


def describe(result: "Result", config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest of a result, without its files."""
    return manifest(result, config, [account(result, solved) for solved in result.solutions])


def manifest(
    result: "Result", config: Mapping[str, Any], accounts: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The same for scenarios whose accounts are given; those of ``result`` do not count."""
    doubts = dict.fromkeys(doubt for told in accounts for doubt in told["doubts"])
    return {
        "format_version": FORMAT_VERSION,
        **surroundings(),
        "config": config,
        "config_hash": config_hash(config),
        "data_hash": result.world.data_hash,
        "world": _world(result.world),
        "model": result.model,
        "options": dict(result.options),
        "backend": {"name": result.backend, "reason": result.backend_reason},
        "reference": None if result.reference is None else result.reference.to_dict(),
        "scenarios": [told["scenario"] for told in accounts],
        "statuses": {told["scenario"]["name"]: told["statuses"] for told in accounts},
        "timings": dict(result.timings),
        "notes": [*result.notes, *doubts],
    }


def account(result: "Result", solution: "Solution") -> dict[str, Any]:
    """What the manifest tells of one scenario: what it says and met, how its products ended."""
    wedges = solution.wedges
    return {
        "scenario": _scenario(result, wedges),
        "statuses": _statuses(solution),
        # What looks like a slip, said once per measure.
        "doubts": [
            f"Scenario {wedges.scenario.name}: {match.label}: {doubt}."
            for match in wedges.matches
            for doubt in match.measure.doubts
        ],
    }


def frames(
    result: "Result", extra: Mapping[str, pl.LazyFrame] | None = None
) -> dict[str, pl.LazyFrame]:
    """Return every table of a result, with those that explain it."""
    return {
        **result.tables(),
        "products": products(result.world).lazy(),
        "coverage": pl.concat(coverage(result, solution) for solution in result.by_name).lazy(),
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


def _touched_flows(result: "Result", wedges: Wedges) -> NDArray[np.bool_]:
    """Flows that the measures meet; under a reference, those treated differently than there."""
    if isinstance(result.base, Wedges):
        return wedges.touched_flows
    return differing(result.world, wedges, result.base.wedges)


def _scenario(result: "Result", wedges: Wedges) -> dict[str, Any]:
    world, scenario = result.world, wedges.scenario
    touched = np.flatnonzero(_touched_flows(result, wedges))
    importers = np.flatnonzero(np.bincount(world.flow_importer[touched]))
    return {
        **scenario.to_dict(),
        "hypothetical": scenario.hypothetical,
        "excludes": any(isinstance(measure, Exclusion) for measure in scenario.measures),
        "touched_products": np.count_nonzero(np.bincount(world.flow_product[touched])),
        "touched_flows": touched.size,
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


def _statuses(solution: "Solution") -> dict[str, int]:
    """How many products ended how."""
    counts = np.bincount(solution.status, minlength=len(Status)).tolist()
    named = {status.name.lower(): counts[status] for status in Status}
    return {name: number for name, number in sorted(named.items()) if number}


def products(world: World) -> pl.DataFrame:
    """product, text, critical, eta_composite, home_share."""
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


def coverage(result: "Result", solution: "Solution") -> pl.DataFrame:
    """scenario, product, flows, value_base (thousand USD) of what a scenario touches.

    Under a reference: of what it treats differently than that.
    """
    world, name = result.world, solution.wedges.scenario.name
    k = len(world.products)
    rows = np.flatnonzero(_touched_flows(result, solution.wedges))
    product = world.flow_product[rows]
    flows = np.bincount(product, minlength=k)
    value = np.bincount(product, world.value[rows], minlength=k)
    touched = np.flatnonzero(flows)
    return pl.DataFrame(
        {
            "product": world.product_column(touched),
            "flows": flows[touched],
            "value_base": value[touched],
        },
        schema_overrides={"flows": pl.Int64, "value_base": pl.Float64},
    ).select(pl.lit(name).alias("scenario"), pl.all())
