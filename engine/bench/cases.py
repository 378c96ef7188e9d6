"""What is measured: plain data, no numbers of any machine but the guesses of time and memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from types import MappingProxyType
from typing import Any, Final

from tradewedge.errors import ConfigError


@dataclass(frozen=True)
class Target:
    """A backend on one kind of device.

    Attributes
    ----------
    backend : str
        What ``tw.solve(backend=...)`` calls it.
    environment : mapping
        Variables of the process it is measured in.
    per_flow : float
        Guess of the seconds per flow and scenario, for estimates only.
    start : float
        Guess of the seconds that the process needs before its first solve.
    """

    backend: str
    environment: Mapping[str, str]
    per_flow: float
    start: float


_NO_RESERVE: Final = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # leave memory to other cases
TARGETS: Final[Mapping[str, Target]] = MappingProxyType(
    {
        "cpu": Target("cpu", {}, 1e-7, 3.0),
        "reference": Target("reference", {}, 7e-5, 2.0),
        "jax-cpu": Target("jax", {"JAX_PLATFORMS": "cpu"}, 1e-6, 8.0),
        "jax-gpu": Target("jax", _NO_RESERVE, 1e-7, 15.0),
        "cupy": Target("cupy", {}, 1e-7, 10.0),
    }
)
"""In the order in which they run: the others are compared with the first."""
ON_GPU: Final = ("jax-gpu", "cupy")
_FAMILIES: Final = {"jax": ("jax-cpu", "jax-gpu"), "gpu": ON_GPU}
#: What ``--backend`` takes.
BACKEND_NAMES: Final = (*TARGETS, *_FAMILIES)

MEASURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tariff": "25 % by the largest importer",
        "exclusion": "the largest exporter is excluded by the largest importer",
        "floor": "every product under a price floor into the largest importer",
        "quota": "every product under an import quota of the largest importer, shared by all",
    }
)
SYNTHETIC: Final = "synthetic"

# Mean flows of a product are those of BACI with its 226 countries: engine/sources/synthetic.py.
_PAIRS_TRADING: Final = 2_300 / (226 * 225)
# Guesses that only estimates rest on.
_EMBEDDED_FLOWS: Final = {"minerals": 60_000, "us_imports": 100_000}
_INSTRUMENTS: Final = {"floor": 6.0, "quota": 6.0}
_BYTES_PER_FLOW: Final = 220
_BYTES_PER_FLOW_AND_SCENARIO: Final = 50
_BYTES_AT_REST: Final = 6e8
_GPU_BYTES_AT_REST: Final = 4e9


@dataclass(frozen=True, order=True)
class Case:
    """One thing that is timed.

    Attributes
    ----------
    world : str
        "synthetic" or the name of an embedded world.
    products, countries : int
        Size of a synthetic world; 0 for an embedded one, which has its own.
    measure : str
        A key of :data:`MEASURES`.
    scenarios : int
        How many are solved in one call.
    target : str
        A key of :data:`TARGETS`.
    cold : bool
        The first solve of a process whose caches of compiled code are empty.
    """

    world: str
    products: int
    countries: int
    measure: str
    scenarios: int
    target: str
    cold: bool = False

    @property
    def place(self) -> str:
        """The world in a word: ``100x226`` or ``minerals``."""
        return f"{self.products}x{self.countries}" if self.world == SYNTHETIC else self.world

    @property
    def work(self) -> str:
        """What is solved, whatever solves it: ``tariff-100x226-s1``."""
        return f"{self.measure}-{self.place}-s{self.scenarios}"

    @property
    def name(self) -> str:
        """Name of the benchmark."""
        return f"{'cold-' if self.cold else ''}{self.target}-{self.work}"

    @property
    def flows(self) -> float:
        """Expected flows of the world."""
        if self.world != SYNTHETIC:
            return _EMBEDDED_FLOWS[self.world]
        return self.products * _PAIRS_TRADING * self.countries * (self.countries - 1)

    @property
    def seconds(self) -> float:
        """Guess of the seconds of one solve; only good to a factor of several."""
        scale = _INSTRUMENTS.get(self.measure, 1.0)
        return 1e-3 + TARGETS[self.target].per_flow * scale * self.flows * self.scenarios

    @property
    def memory(self) -> float:
        """Guess of the bytes of host memory that it takes."""
        per_flow = _BYTES_PER_FLOW + _BYTES_PER_FLOW_AND_SCENARIO * self.scenarios
        return _BYTES_AT_REST + per_flow * self.flows

    @property
    def device_memory(self) -> float:
        """Guess of the bytes of GPU memory below which it is not worth starting; 0 without GPU."""
        if self.target not in ON_GPU:
            return 0.0
        return _GPU_BYTES_AT_REST if self.target == "jax-gpu" else 200 * self.flows / self.products

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Effort:
    """How much time a set of cases may take.

    Attributes
    ----------
    longest : float
        A solve that is expected to take longer is left out, seconds.
    rounds_for : float
        Rounds of a case fill about this many seconds.
    fewest, most : int
        Rounds.
    """

    longest: float
    rounds_for: float
    fewest: int
    most: int


QUICK: Final = Effort(longest=2.0, rounds_for=0.7, fewest=3, most=50)
FULL: Final = Effort(longest=25.0, rounds_for=3.0, fewest=5, most=200)

_Block = tuple[Sequence[str], Sequence[int], Sequence[int], Sequence[int]]
# measures, products, countries, scenarios
_QUICK_BLOCKS: Final[Sequence[_Block]] = (
    (("tariff",), (1, 10, 100, 1000), (226,), (1,)),
    (("tariff",), (100,), (30, 100), (1,)),
    (("tariff",), (100,), (226,), (16, 64)),
    (("floor", "quota"), (100,), (226,), (1,)),
)
_FULL_BLOCKS: Final[Sequence[_Block]] = (
    (("tariff",), (1, 10, 100, 1000, 5000), (30, 100, 226), (1,)),
    (("tariff",), (50, 500), (226,), (1,)),
    (("tariff",), (100,), (226,), (4, 16, 64, 256)),
    (("tariff",), (1000,), (226,), (16, 64)),
    (("tariff",), (5000,), (226,), (16,)),
    (("floor", "quota"), (10, 100, 1000), (226,), (1,)),
    (("floor",), (100,), (226,), (16, 64)),
)
_EMBEDDED: Final = (
    ("minerals", "tariff"),
    ("minerals", "exclusion"),
    ("us_imports", "tariff"),
)
_COLD_SIZE: Final = (10, 226)


def cases(*, full: bool) -> tuple[Case, ...]:
    """All cases of the quick set or of the whole grid, in the order in which they run.

    Cases of one backend follow each other, and within them those of one world.
    """
    blocks = _FULL_BLOCKS if full else _QUICK_BLOCKS
    works = {
        (SYNTHETIC, k, n, measure, s)
        for measures, products, countries, scenarios in blocks
        for measure, k, n, s in product(measures, products, countries, scenarios)
    }
    works |= {(world, 0, 0, measure, 1) for world, measure in _EMBEDDED}
    found = [Case(*work, target=target) for target in TARGETS for work in sorted(works)]
    if full:
        cold = (SYNTHETIC, *_COLD_SIZE, "tariff", 1)
        found += [Case(*cold, target=target, cold=True) for target in TARGETS]
    return tuple(found)


@dataclass(frozen=True)
class Filters:
    """What was asked for; an empty tuple leaves all."""

    backends: tuple[str, ...] = ()
    products: tuple[int, ...] = ()
    countries: tuple[int, ...] = ()
    scenarios: tuple[int, ...] = ()
    measures: tuple[str, ...] = ()

    def keep(self, found: Iterable[Case]) -> tuple[Case, ...]:
        """The cases that pass all filters.

        Raises
        ------
        ConfigError
            If none does; the message says which values there are.
        """
        every = tuple(found)
        targets = {t for name in self.backends for t in _FAMILIES.get(name, (name,))}
        wanted: dict[str, set[Any]] = {
            "target": targets,
            "products": set(self.products),
            "countries": set(self.countries),
            "scenarios": set(self.scenarios),
            "measure": set(self.measures),
        }
        kept = [
            case
            for case in every
            if all(not values or getattr(case, name) in values for name, values in wanted.items())
        ]
        if not kept:
            there = "; ".join(
                f"{name} {', '.join(map(str, sorted({getattr(c, name) for c in every} - {0})))}"
                for name, values in wanted.items()
                if values
            )
            raise ConfigError(
                f"no case of this set passes these filters. It has: {there}. --full has more; not "
                "every size comes with every number of scenarios"
            )
        return tuple(kept)


@dataclass(frozen=True)
class Skip:
    """A case that is not run, and why."""

    case: Case
    reason: str


def plan(
    found: Iterable[Case],
    effort: Effort,
    available: Mapping[str, tuple[bool, str]],
    memory: float,
    device_memory: float,
) -> tuple[list[Case], list[Skip]]:
    """Part the cases into those that can run here and those that cannot.

    Parameters
    ----------
    available : mapping
        Target → (whether it can run, a clause on why not).
    memory, device_memory : float
        Bytes that are free on the host and on the GPU.
    """
    run, skipped = [], []
    for case in found:
        ready, clause = available[case.target]
        if not ready:
            reason = clause
        elif case.memory > memory:
            reason = f"needs about {case.memory / 1e9:.1f} GB, {memory / 1e9:.1f} GB are free"
        elif case.device_memory > device_memory:
            reason = (
                f"needs about {case.device_memory / 1e9:.1f} GB on the GPU, "
                f"{device_memory / 1e9:.1f} GB are free"
            )
        elif case.seconds > effort.longest:
            reason = f"one solve would take more than the {effort.longest:g} s of this set"
        else:
            run.append(case)
            continue
        skipped.append(Skip(case, reason))
    return run, skipped


def estimate(found: Sequence[Case], effort: Effort) -> float:
    """Guess of the seconds that the cases take together, worlds and processes included."""
    worlds = {(case.target, case.place): case.flows for case in found}
    starts = {(case.target, case.cold) for case in found}
    drawn = {case.place: case.flows for case in found}
    solving = sum(cost(case, effort) for case in found)
    return (
        solving
        + 2e-6 * sum(drawn.values())
        + 5e-7 * sum(worlds.values())
        + sum(TARGETS[target].start + 30.0 * cold for target, cold in starts)
    )


def cost(case: Case, effort: Effort) -> float:
    """Guess of the seconds of all rounds of one case."""
    aligned = 3e-7 * case.flows * case.scenarios
    return aligned + 3 * case.seconds + max(effort.rounds_for, effort.fewest * case.seconds)
