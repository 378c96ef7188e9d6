"""Where the seconds of a solve on a device go, for a caller who wants them apart."""

from dataclasses import dataclass


@dataclass
class Clock:
    """Seconds that the host spent, added up over calls; work that overlaps counts once.

    Attributes
    ----------
    layout : float
        Packing on the host, where the kernel measures it.
    compile : float
        Programs not met before in this process.
    transfer : float
        Copies between host and device, both ways.
    solve : float
        Waiting for the device, from arrays that are there to prices that are there.
    newton : float
        Stragglers on the host, where the kernel measures it.
    """

    layout: float = 0.0
    compile: float = 0.0
    transfer: float = 0.0
    solve: float = 0.0
    newton: float = 0.0
