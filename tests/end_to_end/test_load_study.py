"""A finished study comes back from Python."""

import pytest

import multibeta


def test_the_tables_and_models_of_a_study(finished):
    study = multibeta.load_study(finished.path / "results/tiny")
    assert len(study.runs) == 8
    assert set(study.metrics.beta) == set(study.summary.beta) == {"1", "4"}
    assert set(study.comparisons.against_beta) == {"1", "4"}
    run = study.run("digits", "beta_vae", 4.0, seed=1)
    assert (run.seed, run.cell.strength) == (1, "4")
    assert study.run("digits", "cvae", "1").seed == 0


def test_what_a_study_has_not_is_named(finished, tmp_path):
    study = multibeta.load_study(finished.path / "results/tiny")
    with pytest.raises(FileNotFoundError, match="beta~2"):
        study.run("digits", "beta_vae", 2)
    with pytest.raises(ValueError, match="no finished run of seed 7"):
        study.run("digits", "beta_vae", 1, seed=7)
    with pytest.raises(FileNotFoundError, match=r"no metrics.csv here; `multibeta report"):
        multibeta.load_study(tmp_path)
