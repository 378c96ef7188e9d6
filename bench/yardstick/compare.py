"""Time a solve of the synthetic world against the C yardstick, turn by turn.

    python bench/yardstick/compare.py --products 5000 --rounds 5

Both solve the same flows to the same tolerance on all cores; ours is ``result.timings["solve"]``,
from aligned wedges to prices.
"""

import argparse

import numpy as np
from runner import available, run

import tradewedge as tw
from tradewedge.kernels.market import Options
from tradewedge.policy import compile_wedges, shock


def main() -> None:
    """Print seconds of both, their ratio, and how far their prices are apart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=5000)
    parser.add_argument("--countries", type=int, default=226)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    if not available():
        parser.exit(1, "no gcc here to compile the yardstick\n")
    world = tw.load_world("synthetic", products=asked.products, countries=asked.countries, seed=0)
    bought = np.bincount(world.flow_importer, world.value, len(world.countries))
    largest = world.countries[int(bought.argmax())]
    case = tw.Scenario("tariff", [tw.Tariff(importer=largest, rate=0.25)])
    change = shock(world, compile_wedges(world, case))
    print(world)
    result = tw.solve(world, case)  # compiles, and lays out the world
    ratios = []
    for _ in range(asked.rounds):
        yardstick = run(world.market, change, Options())
        result = tw.solve(world, case)
        seconds = result.timings["solve"]
        ratios.append(seconds / yardstick.seconds)
        print(f"ours {seconds:.3f} s, C {yardstick.seconds:.3f} s, ratio {ratios[-1]:.2f}")
    price = np.log(result.exporters().collect()["price_hat"].to_numpy())
    apart = float(np.nanmax(np.abs(price - yardstick.log_price)))
    residual = result.status().collect()["residual"].max()
    print(f"median ratio {np.median(ratios):.2f}; log prices at most {apart:.1e} apart")
    print(f"residuals: ours {residual:.1e}, C {float(np.nanmax(yardstick.residual)):.1e}")


if __name__ == "__main__":
    main()
