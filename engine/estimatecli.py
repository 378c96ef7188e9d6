"""``tradewedge data estimate``: elasticities from the trade data that the user has."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tradewedge import hydraapp, terminal
from tradewedge.errors import TradewedgeError

if TYPE_CHECKING:
    from omegaconf import DictConfig


def run(arguments: Sequence[str]) -> int:
    """Hand the arguments to Hydra."""
    from tradewedge import estimate_schema

    estimate_schema.register()
    failures: list[TradewedgeError] = []

    def job(config: "DictConfig") -> None:
        try:
            _estimate(config)
        except TradewedgeError as error:
            failures.append(error)

    name = estimate_schema.CONFIG_NAME
    done = hydraapp.launch("tradewedge data estimate", job, arguments, config_name=name)
    if failures:
        raise failures[0]
    return terminal.OK if done else terminal.WRONG_INPUT


def _estimate(config: "DictConfig") -> None:
    """Estimate, write, show."""
    from tradewedge.estimate_schema import to_plan
    from tradewedge.estimation.make import ELASTICITIES, make
    from tradewedge.report.estimates import estimates
    from tradewedge.report.reconciliation import reconciliation

    plan = to_plan(config)
    with terminal.progress() as notify:
        made = make(plan, notify)
    found = made.estimates
    place = terminal.console()
    place.print(reconciliation(made.audit))
    place.print(
        estimates(found.formula.text, found.cluster, found.coefficients, found.fits, found.sigmas)
    )
    directory = terminal.relative(str(made.directory))
    place.print(f"Written to {directory}.")
    if made.elasticities is not None:
        place.print(
            f"Use it: tradewedge run elasticities=file elasticities.file={directory}/{ELASTICITIES}"
        )
