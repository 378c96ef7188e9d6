"""The triad of :mod:`.roofline` for one thread, compiled."""

from numba import njit


@njit(cache=True, nogil=True)
def triad(a, b, c, scalar, repetitions):  # type: ignore[no-untyped-def]
    """Write ``b + scalar c`` to ``a``, so many times."""
    for _ in range(repetitions):
        for i in range(a.size):
            a[i] = b[i] + scalar * c[i]
