"""Agreements: what an importer grants to some of its suppliers."""

from dataclasses import dataclass

from tradewedge.errors import ConfigError
from tradewedge.policy.checks import EVERYTHING, Codes, check_codes
from tradewedge.policy.measure import Measure


@dataclass(frozen=True, kw_only=True)
class Agreement(Measure):
    """Partners are spared, wholly or in part, what earlier measures of the scenario do.

    It acts on the flows from ``members`` to ``importer`` as the measures before it left them, in
    this order: carve-out, cap, preference.

    Attributes
    ----------
    members : str or sequence of str
        The partners, as exporters: codes, groups, or a list.
    carve_out : str or sequence of str, optional
        Authorities whose duties, export taxes, floors, quotas and exclusions, as far as the
        scenario brought them, do not reach these flows; ``"*"`` for all of them. What the baseline
        charges stays.
    cap : float, optional
        Ad valorem duties that the scenario's authorities charge are cut so far that all duties
        together do not pass this rate: their sum is at most max(0, cap - the other duties).
    preference : float, optional
        Taken off the total ad valorem rate, which does not fall below zero.
    """

    members: Codes
    carve_out: Codes | None = None
    cap: float | None = None
    preference: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.exporter != EVERYTHING:
            raise ConfigError(f"{self.kind} takes no exporter: name the partners in members")
        self._put("members", check_codes(self.members, self._at("members")))
        if self.carve_out is not None:
            self._put("carve_out", check_codes(self.carve_out, self._at("carve_out")))
        if self.cap is not None:
            self._put_rate("cap")
            if self.cap < 0:
                raise ConfigError(f"{self._at('cap')} must be 0 or more, not {self.cap:g}")
        if self.preference is not None:
            self._put_positive("preference")
        if self.carve_out is None and self.cap is None and self.preference is None:
            raise ConfigError(f"{self.kind} needs carve_out, cap or preference")

    @property
    def sellers(self) -> Codes:
        return self.members

    @property
    def can_spare(self) -> bool:
        return False

    def effect(self) -> str:
        parts = []
        if self.carve_out is not None:
            named = [self.carve_out] if isinstance(self.carve_out, str) else self.carve_out
            parts.append("all spared" if EVERYTHING in named else f"{', '.join(named)} spared")
        if self.cap is not None:
            parts.append(f"duties capped at {self.cap * 100:g} %")
        if self.preference is not None:
            parts.append(f"duties {-self.preference * 100:g} points")
        return "Agreement: " + ", ".join(parts)
