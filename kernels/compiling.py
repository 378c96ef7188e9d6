"""How compiled functions that only other compiled functions call are compiled."""

from functools import partial

from numba import njit

inner = partial(
    njit,
    cache=True,
    nogil=True,
    error_model="numpy",
    no_cpython_wrapper=True,
    no_cfunc_wrapper=True,
)
"""Without the wrappers that make a function callable from Python: they take as long to compile."""
