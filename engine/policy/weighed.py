"""Measures written in tons or in USD per kilogram: what they share."""

from dataclasses import dataclass

from tradewedge.errors import ConfigError
from tradewedge.policy.checks import check_number, check_text, did_you_mean
from tradewedge.policy.measure import Measure

PRODUCT = "product"
CONTENTS = ("low", "central", "high")
MISSING_TONS = ("error", "skip", "average")

# An oxide equivalent can weigh more than the metal that it is counted for, but not twice.
_LARGEST_CONTENT = 2.0


@dataclass(frozen=True, kw_only=True)
class Weighed(Measure):
    """A measure that may need the weight of flows; not used by itself.

    Attributes
    ----------
    missing_tons : {"error", "skip", "average"}
        What to do with matched flows whose tons the world does not know, where tons are needed:
        stop, leave them alone, or take the average unit value of that importer (else of all
        importers) for the product. What was left alone or estimated is counted in the
        :class:`~tradewedge.policy.Match`.
    """

    missing_tons: str = "error"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_choice("missing_tons", MISSING_TONS)

    @property
    def needs_tons(self) -> bool:
        """Whether weights are needed at all; shares and multiples do without."""
        return True

    def _put_content(self, name: str = "content") -> None:
        """A name in the content table, or a number; see :mod:`tradewedge.sources.content`."""
        value = getattr(self, name)
        if isinstance(value, str):
            if value not in CONTENTS:
                raise ConfigError(
                    f"{self._at(name)} {value!r} is unknown; use one of {', '.join(CONTENTS)}, or "
                    "a number" + did_you_mean(value, CONTENTS)
                )
            return
        number = check_number(value, self._at(name))
        if not 0 < number <= _LARGEST_CONTENT:
            raise ConfigError(
                f"{self._at(name)} is kg of mineral per kg of product, above 0 and at most "
                f"{_LARGEST_CONTENT:g}, not {number:g}"
            )
        self._put(name, number)


@dataclass(frozen=True, kw_only=True)
class Priced(Weighed):
    """A measure with an amount in USD per kilogram; not used by itself.

    Attributes
    ----------
    per : str, default "product"
        What a kilogram is of: the product, or a mineral contained in it ("NdPr", "lithium"), whose
        share in each product then comes from ``content``.
    content : {"low", "central", "high"} or float, default "central"
        Which column of the content table, or one number for all products: kg of mineral per kg of
        product. See ``data/content/README.md``.
    """

    per: str = PRODUCT
    content: str | float = "central"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._put("per", check_text(self.per, self._at("per")))
        if not self.per.strip():
            raise ConfigError(f'{self._at("per")} is empty; write "{PRODUCT}" or a mineral')
        self._put_content()
        if self.per == PRODUCT and self.content != "central":
            raise ConfigError(
                f"{self._at('content')} says how much of a mineral the product holds; name the "
                "mineral in per"
            )

    @property
    def mineral(self) -> str | None:
        """The mineral that a kilogram is of, or None for the product."""
        return None if self.per == PRODUCT else self.per

    @property
    def unit_text(self) -> str:
        """USD/kg, with the mineral where there is one."""
        return "USD/kg" if self.mineral is None else f"USD/kg {self.mineral}"


@dataclass(frozen=True, kw_only=True)
class Guaranteed(Priced):
    """A measure that sets a price, absolute or relative; not used by itself.

    Attributes
    ----------
    usd_per_kg : float, optional
        The price in USD per kilogram of product, or of the mineral that ``per`` names.
    multiple : float, optional
        Instead: the price over the baseline unit value. Needs no tons.
    """

    usd_per_kg: float | None = None
    multiple: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._put_positive(self._which("usd_per_kg", "multiple"))
        if self.multiple is not None and self.mineral is not None:
            raise ConfigError(
                f"{self._at('per')}: a multiple of the baseline unit value is the same per kg of "
                "product and per kg of mineral; leave per out"
            )

    @property
    def needs_tons(self) -> bool:
        return self.usd_per_kg is not None

    @property
    def price_text(self) -> str:
        """The price in words."""
        if self.multiple is not None:
            return f"{self.multiple:g} x baseline"
        return f"{self.usd_per_kg:g} {self.unit_text}"


@dataclass(frozen=True, kw_only=True)
class Limited(Weighed):
    """A limit on a quantity; not used by itself.

    Attributes
    ----------
    fraction : float, optional
        Limit over the baseline quantity, 0 or more. Needs no tons. A licence that is granted for
        all but a share l of trade is ``fraction = 1 - l``.
    tons : float, optional
        Instead: the limit in metric tons a year. Where it covers several products it is what they
        may weigh together, each held to the same fraction of its baseline.
    mineral : str, optional
        The tons are of this mineral contained in the products.
    content : {"low", "central", "high"} or float, default "central"
        Its share in the products, as in :class:`Priced`.
    """

    fraction: float | None = None
    tons: float | None = None
    mineral: str | None = None
    content: str | float = "central"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self._which("fraction", "tons") == "fraction":
            self._put_fraction()
        elif self._put_number("tons") < 0:
            raise ConfigError(f"{self._at('tons')} must be 0 or more, not {self.tons:g}")
        self._put_content()
        if self.mineral is not None:
            self._put("mineral", check_text(self.mineral, self._at("mineral")))
            if self.tons is None:
                raise ConfigError(f"{self._at('mineral')} belongs to a limit in tons")
        elif self.content != "central":
            raise ConfigError(f"{self._at('content')} is of a mineral; name it in mineral")

    @property
    def needs_tons(self) -> bool:
        return self.tons is not None

    @property
    def limit_text(self) -> str:
        """The limit in words."""
        if self.fraction is not None:
            return f"{self.fraction * 100:g} % of baseline"
        return f"{self.tons:,.10g} t" + (f" {self.mineral}" if self.mineral else "")
