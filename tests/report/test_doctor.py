"""Each diagnosis fires on a history that shows it and stays silent on one that does not."""

import numpy as np
import pandas as pd
import pytest

from multibeta.report.doctor import diagnose


def history(rows=40, **columns):
    """A converged training of a VAE, with other columns in place of some of its own."""
    noise = np.random.default_rng(0).standard_normal(rows)
    table = {"step": np.arange(rows) * 50, "loss": 100 + noise, "kl": 12.0, "strength": 4.0, "learning_rate": 1e-3}
    return pd.DataFrame({**table, **columns})


def names(table, *end):
    return [diagnosis.name for diagnosis in diagnose(table, *end)]


def test_a_healthy_run_has_no_diagnosis():
    assert names(history()) == []


@pytest.mark.parametrize(
    ("name", "ill", "well"),
    [
        ("posterior collapse", {"kl": 0.03}, {"kl": 0.3}),
        ("posterior collapse", {"kl": 1.0, "kl_without_free_bits": 0.01}, {"kl": 3.0, "kl_without_free_bits": 2.5}),
        ("posterior collapse", {"kl": 25.0, "variance_of_means": 1e-5}, {"kl": 25.0, "variance_of_means": 0.8}),
        ("codebook collapse", {"perplexity": 20.0, "usable": 512.0}, {"perplexity": 80.0, "usable": 512.0}),
        (
            "codebook collapse",
            {"perplexity": 4.0, "perplexity_of_latents": 1.01, "usable": 32.0},
            {"perplexity": 4.0, "perplexity_of_latents": 1.7, "usable": 32.0},
        ),
        ("codebook collapse", {"perplexity": 1.2, "usable": 4.0}, {"perplexity": 2.5, "usable": 4.0}),
        ("capacity not reached", {"capacity_gap": 5.0, "strength": 25.0}, {"capacity_gap": 2.0, "strength": 25.0}),
        ("capacity not reached", {"capacity_gap": 0.6, "strength": 1.0}, {"capacity_gap": 0.4, "strength": 1.0}),
        ("discriminator won", {"adversary": 0.02}, {"adversary": 0.6}),
        ("not converged", {"loss": np.linspace(300, 100, 40)}, {"loss": np.linspace(100, 100.1, 40)}),
    ],
)
def test_a_diagnosis_is_made_where_it_is_true_and_not_where_it_is_not(name, ill, well):
    (found,) = diagnose(history(**ill))
    assert found.name == name
    assert name not in names(history(**well))


def test_a_warm_up_is_no_collapse_and_no_trend():
    climbing = np.concatenate([np.linspace(0.1, 3.9, 20), np.full(20, 4.0)])
    kl = np.concatenate([np.full(20, 0.01), np.full(20, 9.0)])
    loss = np.concatenate([np.linspace(900, 110, 20), np.full(20, 100.0)])
    assert names(history(strength=climbing, kl=kl, loss=loss)) == []


def test_noise_is_no_trend():
    fired = [
        names(history(loss=100 + 3 * np.random.default_rng(seed).standard_normal(40))) == ["not converged"]
        for seed in range(100)
    ]
    assert sum(fired) <= 5


def test_a_short_history_has_no_trend():
    assert names(history(rows=9, loss=np.linspace(300, 100, 9))) == []


def test_columns_of_other_variants_are_left_out():
    assert names(history(perplexity=np.nan, usable=np.nan, adversary=np.nan)) == []


@pytest.mark.parametrize(
    ("status", "name"),
    [("diverged", "diverged"), ("timeout", "timeout"), ("out_of_memory", "out of memory"), ("error", "error")],
)
def test_a_run_that_did_not_end_well_says_why_and_nothing_of_its_history(status, name):
    (found,) = diagnose(history(kl=0.03), status, "kl became nan")
    assert found == (name, "kl became nan")


def test_numbers_stand_in_the_text():
    (found,) = diagnose(history(kl=0.031))
    assert "0.031 nats" in found.text


def test_a_lower_strength_is_advised_only_where_it_weighs_the_kl_and_a_longer_training_where_it_was_short():
    advice = "where the strength weighs the KL take a lower one, or warm it up from 0"
    (long,), (short,) = diagnose(history(kl=0.03)), diagnose(history(rows=5, kl=0.03))
    assert long.text.endswith(f"; {advice}")
    assert short.text.endswith(f"; train longer, or {advice}")
