"""Random markets are calibrated markets."""

import numpy as np

from tradewedge.kernels.sample import Recipe, random_market, random_shock


def test_shares_add_up_and_rows_are_sorted() -> None:
    market = random_market(np.random.default_rng(0), 50)
    np.testing.assert_allclose(np.bincount(market.flow_importer, market.share), 1)
    np.testing.assert_allclose(np.bincount(market.flow_exporter, market.sales_share), 1)
    order = np.lexsort((market.flow_importer, market.flow_exporter))
    np.testing.assert_array_equal(order, np.arange(len(order)))
    owner = np.repeat(np.arange(50), np.diff(market.flow_ptr))
    exporter_owner = np.repeat(np.arange(50), np.diff(market.exporter_ptr))
    np.testing.assert_array_equal(exporter_owner[market.flow_exporter], owner)


def test_seed_decides() -> None:
    one, other = (random_market(np.random.default_rng(7), 3) for _ in range(2))
    np.testing.assert_array_equal(one.share, other.share)


def test_shock_respects_the_rules() -> None:
    rng = np.random.default_rng(1)
    market = random_market(rng, 60, Recipe(sigma=(0.5, 2.0), infinite=0.4))
    shock = random_shock(rng, market, excluded=0.5, shifted=1.0)
    assert (shock.log_supply[np.isinf(market.epsilon)] == 0).all()
    low = np.repeat((market.sigma <= 1) | (market.sigma_home <= 1), np.diff(market.flow_ptr))
    assert shock.admitted[low].all()
    assert not shock.admitted[~low].all()
