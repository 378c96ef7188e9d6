"""One back-test: the year before, what was enacted, the year after, and every contender."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from tradewedge.backtest.comparison import Comparison, Cut
from tradewedge.backtest.contest import (
    FLAT_NAME,
    HORIZON,
    LABELS,
    PRODUCT_NAME,
    TRAINED,
    Label,
    duel_all,
    score_all,
)
from tradewedge.backtest.experiment import Experiment, Year, find
from tradewedge.backtest.observed import KEYS, UNIT, change, imports
from tradewedge.backtest.plan import Notify, Plan
from tradewedge.backtest.predicted import Case
from tradewedge.backtest.scores import contrast
from tradewedge.backtest.setting import Setting, Worlds, comparison, of_importers, prepare
from tradewedge.backtest.shrinkage import FLAT, PRODUCT, Training, mixed
from tradewedge.backtest.training import train
from tradewedge.errors import ConfigError
from tradewedge.world import World


@dataclass(frozen=True, eq=False)
class Backtest:
    """Tables of a back-test; columns in docs/backtest.md.

    Attributes
    ----------
    experiment : Experiment
    plan : Plan
    years : tuple of int
        The year before and the year after.
    scores : DataFrame
        scenario, model, sigma, what, sample ("all" that the model answers, or those that all
        models answer with this sigma: "common"), and the statistics of :data:`~.scores.SCHEMA`.
    duels : DataFrame
        scenario, what, first, second (model and sigma), units, products, gain, gain_low,
        gain_high: 1 - error of the first / error of the second, on what both answer.
    shares, totals : DataFrame
        scenario, model, sigma, and the columns of :class:`~.comparison.Comparison`.
    controls : DataFrame
        product, importer, exporter, touched, import_value, share_before, share_after: the
        suppliers that the measures hit, in the products they touch and in those they do not.
    training : Training or None
    contrast : DataFrame
        scores of those suppliers in touched products against the others; see
        :func:`~.scores.contrast`.
    sigmas : DataFrame
        scenario, product, and a column sigma_... for each contender.
    remarks : tuple of str
        What could not be predicted, and why.
    """

    experiment: Experiment
    plan: Plan
    years: tuple[int, int]
    scores: pl.DataFrame
    duels: pl.DataFrame
    shares: pl.DataFrame
    totals: pl.DataFrame
    controls: pl.DataFrame
    contrast: pl.DataFrame
    training: Training | None
    sigmas: pl.DataFrame
    remarks: tuple[str, ...]

    def tables(self) -> dict[str, pl.DataFrame]:
        """All tables by name."""
        made = {
            "scores": self.scores,
            "duels": self.duels,
            "shares": self.shares,
            "totals": self.totals,
            "controls": self.controls,
            "contrast": self.contrast,
            "sigmas": self.sigmas,
        }
        return made if self.training is None else made | {"training": self.training.grid}


def run(
    experiment: Experiment | str,
    *,
    before: Year | World | None = None,
    after: Year | World | None = None,
    plan: Plan | None = None,
    notify: Notify = lambda _what, _done, _total: None,
    **changes: Any,
) -> Backtest:
    """Predict the year after from the year before, and compare.

    Parameters
    ----------
    experiment : Experiment or str
        Or the name of one that ships, or the path of its YAML file.
    before, after : int, path of a saved world, or World, optional
        Instead of the experiment's years.
    plan : Plan, optional
    notify : callable, optional
        Called with what is being done, how much of it is done, and how much there is.
    **changes
        Fields of the plan, such as ``models=("armington",)``.

    Raises
    ------
    ConfigError
        For an unknown experiment, year or model; for a scenario that changes nothing between
        the years; where nothing is left to compare.
    """
    told = experiment if isinstance(experiment, Experiment) else find(experiment)
    settings = replace(plan or Plan(), **changes)
    worlds = Worlds(settings.elasticities)
    first = worlds.open(told.before if before is None else before)
    last = worlds.open(told.after if after is None else after)
    told = replace(told, before=_said(told.before, first), after=_said(told.after, last))
    training = train(told, settings, worlds, notify) if settings.train else None
    return _trial(told, settings, first, last, training, notify)


def _contenders(case: Case, training: Training | None, years: float) -> dict[str, World]:
    made = {PRODUCT_NAME: mixed(case.world, PRODUCT), FLAT_NAME: mixed(case.world, FLAT)}
    if training is not None:
        made[TRAINED] = mixed(case.world, training.chosen)
    made[HORIZON] = case.world.at_horizon(years)
    return made


def _trial(
    told: Experiment,
    plan: Plan,
    first: World,
    last: World,
    training: Training | None,
    notify: Notify,
) -> Backtest:
    setting = prepare(told, first, last)
    assert first.year is not None  # as _setting has checked
    assert last.year is not None
    found: dict[tuple[str, str, str], Comparison] = {}
    sigmas, remarks = [], []
    years = float(last.year - first.year)
    for case in setting.cases:
        worlds = _contenders(case, training, years)
        sigmas.append(_sigmas(case, worlds))
        runs = [(model, name) for model in plan.models for name in worlds]
        for step, (model, name) in enumerate(runs):
            notify(f"scoring {case.name}", step, len(runs))
            try:
                one = comparison(told, setting, case, worlds[name], model, plan.cut)
            except ConfigError as error:
                remarks.append(f"{case.name}, {model}: {error}")
                continue
            found[case.name, model, name] = one
            remarks += _unanswered(one, (case.name, model, name))
        notify(f"scoring {case.name}", 1, 1)
    if not found:
        raise ConfigError("no model could predict anything: " + "; ".join(dict.fromkeys(remarks)))
    controls = _controls(told, setting, first, last, plan.cut)
    return Backtest(
        experiment=told,
        plan=plan,
        years=(first.year, last.year),
        scores=score_all(found, plan),
        shares=pl.concat(_labelled(one.shares, label) for label, one in found.items()),
        totals=pl.concat(_labelled(one.totals, label) for label, one in found.items()),
        controls=controls,
        duels=duel_all(found, plan),
        contrast=contrast(controls, plan.draws, plan.seed),
        training=training,
        sigmas=pl.concat(sigmas),
        remarks=tuple(dict.fromkeys(remarks)),
    )


def _said(asked: Year, world: World) -> Year:
    """The year as the experiment names it, or that of the world that was taken instead."""
    return asked if isinstance(asked, str) or world.year is None else world.year


def _labelled(frame: pl.DataFrame, label: Label) -> pl.DataFrame:
    named = [pl.lit(text).alias(key) for key, text in zip(LABELS, label, strict=True)]
    return frame.select(*named, pl.all())


def _unanswered(one: Comparison, label: Label) -> list[str]:
    total = one.shares["product"].n_unique()
    lost = total - len(one.answered())
    if not lost:
        return []
    scenario, model, sigma = label
    return [
        f"{scenario}, {model} with sigma {sigma}: no answer for {lost} of {total} products "
        "(a price or quantity below zero)"
    ]


def _sigmas(case: Case, worlds: Mapping[str, World]) -> pl.DataFrame:
    columns = {f"sigma_{name}": world.sigma for name, world in worlds.items()}
    label = pl.lit(case.name).alias("scenario")
    return pl.DataFrame({"product": case.world.products, **columns}).select(label, pl.all())


def _controls(
    told: Experiment, setting: Setting, first: World, last: World, cut: Cut
) -> pl.DataFrame:
    """The suppliers that are hit, in all products of both years."""
    both = sorted(set(first.products) & set(last.products))
    found = of_importers(change(imports(first, both), imports(last, both)), told)
    targets = pl.concat([case.targets for case in setting.cases]).unique()
    hit = targets.select("importer", "exporter").unique()
    size = found.totals.select(*UNIT, "import_value").filter(
        pl.col("import_value") >= cut.least_value
    )
    return (
        found.shares.filter(pl.col("share_0") >= cut.least_share)
        .join(hit, on=["importer", "exporter"])
        .join(size, on=UNIT)
        .join(targets.with_columns(touched=pl.lit(True)), on=KEYS, how="left")
        .select(
            *KEYS,
            pl.col("touched").fill_null(False),
            "import_value",
            share_before="share_0",
            share_after="share_1",
        )
        .sort(KEYS)
    )
