"""Everything tradewedge raises or warns about.

A message says what is wrong, where (file, key, product, country), what is allowed and what
to do next.
"""


class TradewedgeError(Exception):
    """Base of every error that tradewedge raises on purpose."""


class DataError(TradewedgeError):
    """A table or file cannot be read as what it claims to be."""


class ConfigError(TradewedgeError):
    """A scenario, measure, option or command asks for something that is not allowed."""


class BackendUnavailable(TradewedgeError):
    """The requested backend cannot run here."""


class SolveError(TradewedgeError):
    """Some products did not converge and ``on_failure="raise"`` was asked for."""


class TradewedgeWarning(UserWarning):
    """Base of every warning."""


class SuspiciousRateWarning(TradewedgeWarning):
    """A rate looks like a percentage (25) where a fraction (0.25) is meant."""
