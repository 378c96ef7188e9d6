"""What each kind of measure does to the draft: one function per kind."""

from dataclasses import replace
from typing import Literal

import numpy as np

from tradewedge.duty import Duty, stack
from tradewedge.errors import ConfigError
from tradewedge.policy import dutysets, shiftrules
from tradewedge.policy.columns import owned, scaled
from tradewedge.policy.draft import (
    Draft,
    Floats,
    Floor,
    Ints,
    Quota,
    QuotaKind,
    Remark,
    StepDuty,
    Task,
)
from tradewedge.policy.measures import (
    Agreement,
    Capacity,
    CompoundDuty,
    ContractForDifference,
    DemandShift,
    Exclusion,
    ExportQuota,
    ExportTax,
    ImportQuota,
    Measure,
    PriceFloor,
    SpecificDuty,
    SupplyShift,
    Tariff,
    TariffRateQuota,
    TradeCost,
)
from tradewedge.policy.tons import contained, unit_value, weigh
from tradewedge.policy.weighed import Limited, Priced
from tradewedge.policy.words import flow_name, some
from tradewedge.world import World


def apply(draft: Draft, task: Task, measure: Measure) -> Remark:
    """Change the draft; return what a reader should know about it.

    Raises
    ------
    ConfigError
        For what this world does not allow.
    """
    match measure:
        case Tariff():
            return _tariff(draft, task, measure.mode, measure.rate, measure.authority_name)
        case SpecificDuty():
            return _specific(draft, task, measure, measure.usd_per_kg)
        case CompoundDuty():
            return _compound(draft, task, measure)
        case TariffRateQuota():
            return _step(draft, task, measure)
        case PriceFloor():
            return _floor(draft, task, measure)
        case ImportQuota():
            return _quota(draft, task, measure, "import_quota")
        case ExportQuota():
            return _quota(draft, task, measure, "export_quota")
        case Exclusion():
            draft.excluded.add(task.rows)
        case TradeCost():
            draft.trade_cost = owned(draft.trade_cost)
            draft.trade_cost[task.rows] *= measure.factor
        case ExportTax():
            draft.export_taxes = dutysets.add(
                draft.export_taxes, task.rows, measure.rate, measure.authority_name
            )
        case Agreement():
            return _agreement(draft, task, measure)
        case SupplyShift():
            return shiftrules.supply(draft, task, measure)
        case DemandShift():
            importers = np.unique(task.world.importer_row[task.rows])
            draft.demand = owned(draft.demand)
            draft.demand[importers] *= measure.factor
        case Capacity():
            return shiftrules.capacity(draft, task, measure)
        case ContractForDifference():
            return shiftrules.guarantee(draft, task, measure)
        case _:
            raise ConfigError(f"{task.where}: no rule to compile a {measure.kind}")
    return Remark()


def limits(task: Task, measure: Limited, unit: Ints, rows: Ints, tons: Floats) -> Floats:
    """Limit over the baseline quantity, for each of ``rows``.

    A fraction is the same for all. Tons are shared by the rows of one ``unit``, which all get
    the same fraction.
    """
    if measure.fraction is not None:
        return np.full(rows.size, measure.fraction)
    assert measure.tons is not None  # one of the two is given
    weight = tons * contained(task, measure.mineral, measure.content, rows)
    _, place = np.unique(unit, return_inverse=True)
    total = np.asarray(np.bincount(place, weight), np.float64)
    return measure.tons / total[place]


def unit_of(world: World, per: str, rows: Ints) -> Ints:
    """Number of the importer, exporter or pair that each flow belongs to; 0 for "global".

    The segments of an importer are one importer.
    """
    n = len(world.countries)
    importer = world.parent[world.flow_importer[rows]]
    exporter = world.flow_exporter[rows]
    units = {
        "importer": importer,
        "exporter": exporter,
        "pair": exporter * n + importer,
        "global": np.zeros_like(importer),
    }
    return units[per]


def _tariff(draft: Draft, task: Task, mode: str, rate: float, authority: str) -> Remark:
    remark = _unknown_duties(task, mode)
    rows = task.rows
    if mode == "add":
        draft.duties = dutysets.put(draft.duties, Duty(authority, rows, scaled(task.share, rate)))
    elif mode == "set":
        draft.duties = dutysets.replace(draft.duties, rows, rate, authority)
        draft.specific = dutysets.remove(draft.specific, rows)
        left = (step.without(rows) for step in draft.steps)
        draft.steps = [step for step in left if step.extra.size]
    else:
        draft.duties = dutysets.multiply(draft.duties, rows, rate)
        draft.specific = dutysets.multiply(draft.specific, rows, rate)
        draft.steps = [step.scaled(rows, rate) for step in draft.steps]
    draft.tariff_changed.add(rows)
    draft.reached.append((rows, task.share))
    return remark


def _unknown_duties(task: Task, mode: str) -> Remark:
    world = task.world
    if world.tariff_importers is None:
        return Remark()
    unknown = np.unique(world.flow_importer[task.rows[~world.tariff_known[task.rows]]])
    if not unknown.size:
        return Remark()
    names = [world.countries[j] for j in unknown]
    if mode != "add":
        known = sorted(world.tariff_importers or ())
        raise ConfigError(
            f"{task.where}: mode {mode} changes the duties in force, but world "
            f"{world.name!r} does not know those of {some(names)}; it knows "
            + (f"those of {some(known)}" if known else "none")
            + ". Use mode add, or narrow the importers"
        )
    return Remark(
        (
            f"the duties in force of {len(names)} of its importers are unknown and taken as 0 "
            f"({some(names)})",
        )
    )


def _specific(draft: Draft, task: Task, measure: Priced, usd_per_kg: float) -> Remark:
    weighing = weigh(task, measure)
    rows = weighing.rows
    price = unit_value(task.world, weighing) * (1.0 + task.world.tariff_base[rows])
    held = contained(task, measure.mineral, measure.content, rows)
    rate = usd_per_kg * held * task.share_of(rows) / price
    draft.specific = dutysets.put(draft.specific, Duty(measure.authority_name, rows, rate))
    return weighing.remark


def _compound(draft: Draft, task: Task, measure: CompoundDuty) -> Remark:
    remark = _tariff(draft, task, "add", measure.duty.ad_valorem, measure.authority_name)
    if measure.duty.usd_per_kg:
        remark += _specific(draft, task, measure, measure.duty.usd_per_kg)
    return remark


def _step(draft: Draft, task: Task, measure: TariffRateQuota) -> Remark:
    if measure.fraction == 0 or measure.tons == 0:
        return _tariff(draft, task, measure.mode, measure.out_rate, measure.authority_name)
    quota, remark = _limited(task, measure, "tariff_rate_quota")
    rows = quota.rows
    reached = replace(task, rows=rows, share=task.share_of(rows))
    remark += _tariff(draft, reached, measure.mode, measure.in_rate, measure.authority_name)
    for step in draft.steps:
        taken = rows[np.isin(rows, step.quota.rows)]
        if taken.size:
            raise ConfigError(
                f"{task.where}: {flow_name(task.world, taken[0])} already has a tariff-rate "
                "quota; a flow can have one"
            )
    if measure.out_rate > measure.in_rate:
        extra = np.full(rows.size, measure.out_rate - measure.in_rate)
        draft.steps.append(StepDuty(quota, extra))
    return remark


def _floor(draft: Draft, task: Task, measure: PriceFloor) -> Remark:
    rows, remark = task.rows, Remark()
    at_border = measure.basis == "border"
    if measure.usd_per_kg is None:
        price = np.full(rows.size, measure.multiple)
    else:
        weighing = weigh(task, measure)
        rows, remark = weighing.rows, weighing.remark
        held = contained(task, measure.mineral, measure.content, rows)
        price = measure.usd_per_kg * held / unit_value(task.world, weighing)
        if not at_border:
            price /= 1.0 + task.world.tariff_base[rows]
    draft.floors.append(
        Floor(
            number=task.number,
            rows=rows,
            price=price,
            at_border=at_border,
            to_exporter=measure.rent == "exporter",
            dispersion=measure.dispersion or 0.0,
        )
    )
    return remark


def _quota(
    draft: Draft,
    task: Task,
    measure: ImportQuota | ExportQuota,
    kind: Literal["import_quota", "export_quota"],
) -> Remark:
    quota, remark = _limited(task, measure, kind)
    draft.quotas.append(quota)
    return remark


def _limited(
    task: Task, measure: ImportQuota | ExportQuota | TariffRateQuota, kind: QuotaKind
) -> tuple[Quota, Remark]:
    """The quantity that a measure allows on the flows that it can count."""
    rows, tons, remark = _weighed(task, measure)
    limit = limits(task, measure, unit_of(task.world, measure.per, rows), rows, tons)
    held = tons
    if measure.mineral is not None:
        held = tons * contained(task, measure.mineral, measure.content, rows)
    quota = Quota(
        number=task.number,
        kind=kind,
        per=measure.per,  # type: ignore[arg-type]  # as checked
        rent=measure.rent,  # type: ignore[arg-type]  # as checked
        rows=rows,
        limit=limit,
        tons=held,
    )
    return quota, remark


def _weighed(task: Task, measure: Limited) -> tuple[Ints, Floats, Remark]:
    """Rows, their tons (NaN where unknown and not needed), remark."""
    if not measure.needs_tons:
        return task.rows, task.world.quantity[task.rows], Remark()
    weighing = weigh(task, measure)
    return weighing.rows, weighing.tons, weighing.remark


def _agreement(draft: Draft, task: Task, measure: Agreement) -> Remark:
    """Cap and preference; the carve-out has already kept earlier measures off these rows."""
    if measure.cap is None and measure.preference is None:
        return Remark()
    n = task.world.value.size
    if measure.cap is not None:
        brought = dutysets.increase(draft.duties, draft.base)
        added = stack(brought, n)
        # Charged on a share of the value, the scenario's duties are higher there and meet the cap
        # there.
        room = draft.reach(n) * np.maximum(0.0, measure.cap - (stack(draft.duties, n) - added))
        reached = np.zeros(n, dtype=bool)
        reached[task.rows] = True
        over = reached & (added > room)
        factor = np.where(over, room / np.where(over, added, 1.0), 1.0)
        draft.duties = dutysets.cut(draft.duties, brought, factor)
        left = np.where(reached, np.maximum(0.0, room - added * factor), np.inf)
        draft.steps = [step.capped(left) for step in draft.steps]
    if measure.preference is not None:
        total = np.maximum(0.0, stack(draft.duties, n)[task.rows])
        relief = -np.minimum(measure.preference, total)
        draft.duties = dutysets.put(draft.duties, Duty(measure.authority_name, task.rows, relief))
    draft.tariff_changed.add(task.rows)
    return _unknown_duties(task, "add")
