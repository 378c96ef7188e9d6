"""Checks of a scenario's parts; each raises a ConfigError that begins with ``where``."""

from collections.abc import Iterable, Sequence

from tradewedge.errors import ConfigError
from tradewedge.policy import plaindata
from tradewedge.policy.checks import check_number, check_text, not_a_code
from tradewedge.policy.measures import MEASURES, Measure


def check_measures(measures: object, where: str) -> tuple[Measure, ...]:
    """Measures as a tuple."""
    if isinstance(measures, Measure):
        raise ConfigError(f"{where} is a list; write [{measures.kind}(...)]")
    if isinstance(measures, str) or not isinstance(measures, Iterable):
        raise ConfigError(f"{where} is a list, not {measures!r}")
    found = tuple(measures)
    for position, measure in enumerate(found):
        if not isinstance(measure, Measure):
            raise ConfigError(
                f"{where}[{position}] is no measure: {measure!r}; use one of {', '.join(MEASURES)}"
            )
    return found


def check_names(names: object, where: str) -> tuple[str, ...]:
    """One name, or a list of them, as a tuple."""
    listed = (names,) if isinstance(names, str) else names
    if not isinstance(listed, Sequence):
        raise ConfigError(f"{where} is a list of names, not {names!r}")
    return tuple(check_text(name, where) for name in listed)


def check_segments(segments: object, where: str) -> dict[str, dict[str, float]]:
    """Importer to the shares of its segments, as plain dictionaries."""
    checked: dict[str, dict[str, float]] = {}
    for importer, parts in plaindata.check_mapping(segments, where).items():
        if not isinstance(importer, str):
            raise ConfigError(not_a_code(importer, f"{where}: importer"))
        at = f"{where}: {importer}"
        shares = {
            check_text(name, f"{at}: segment"): check_number(share, f"{at}: {name}")
            for name, share in plaindata.check_mapping(parts, at).items()
        }
        if not shares or min(shares.values()) <= 0 or sum(shares.values()) >= 1:
            raise ConfigError(
                f"{at}: the shares of segments are above 0 and sum to less than 1, the rest being "
                f"the importer's own; not {shares}"
            )
        checked[importer] = shares
    return checked
