"""Linear algebra of a few hundred unknowns without threads.

The usual libraries start threads for it, and on a busy machine those wait for each other many
times longer than they work: seconds instead of a millisecond were measured.
"""

import numpy as np
from numba import njit

from tradewedge.kernels.market import Floats


def solution(matrix: Floats, right: Floats) -> Floats | None:
    """Solve a linear system; None if the solution is not finite.

    A singular one is solved by least squares.
    """
    work = np.array(matrix, np.float64, order="C")
    out: Floats = np.array(right, np.float64)
    if not _eliminate(work, out):
        out = np.linalg.lstsq(matrix, right, rcond=None)[0].astype(np.float64, copy=False)
    return out if np.isfinite(out).all() else None


@njit(cache=True)
def add_rows(out, row, column, weight, table):  # type: ignore[no-untyped-def]
    """Add ``weight[n] * table[column[n]]`` to ``out[row[n]]`` for every n.

    A sparse matrix times a dense one.
    """
    for n in range(row.size):
        w = weight[n]
        if w != 0.0:
            target, source = out[row[n]], table[column[n]]
            for c in range(target.size):
                target[c] += w * source[c]


@njit(cache=True)
def _eliminate(a, b):  # type: ignore[no-untyped-def]
    """Gauss elimination with row pivots, in place; False where a pivot is 0 or not a number."""
    n = b.size
    for k in range(n):
        pivot = k
        for i in range(k + 1, n):
            if abs(a[i, k]) > abs(a[pivot, k]):
                pivot = i
        if not abs(a[pivot, k]) > 0.0:
            return False
        if pivot != k:
            for c in range(k, n):
                a[k, c], a[pivot, c] = a[pivot, c], a[k, c]
            b[k], b[pivot] = b[pivot], b[k]
        top = a[k]
        for i in range(k + 1, n):
            row = a[i]
            if row[k] != 0.0:
                factor = row[k] / top[k]
                for c in range(k + 1, n):
                    row[c] -= factor * top[c]
                b[i] -= factor * b[k]
    for k in range(n - 1, -1, -1):
        total = b[k]
        for c in range(k + 1, n):
            total -= a[k, c] * b[c]
        b[k] = total / a[k, k]
    return True
