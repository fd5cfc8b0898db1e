"""A training gives the same bytes however it is interrupted, and says how it ended."""

import numpy as np
import pytest

from multibeta import registry
from multibeta.training.loop import Interrupted, TimeLimit
from multibeta.training.run import Diverged
from multibeta.training.state import RunState

torch = pytest.importorskip("torch")
from .conftest import finish, training  # noqa: E402


def ended(one):
    return one.history, {name: tensor.clone() for name, tensor in one.finish().items()}


def same(one, other):
    (history, weights), (expected_history, expected) = one, other
    assert history == expected_history
    assert set(weights) == set(expected)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in weights.items())


OPTIONS = {
    "plain": {},
    "warm-up and clipping": {"strength_schedule": "cosine", "schedule_steps": 40, "gradient_clip": 1.0},
    "plateau": {"plateau_patience": 0, "validate_every": 5},
    "best": {"select": "best", "validate_every": 5, "learning_rate": 0.05},
    "gaussian": {"likelihood": "gaussian", "noise_std": 0.3},
    "bf16": {"precision": "bf16"},
    "learnt noise": {"likelihood": "gaussian_learned", "noise_std": 0.3},
    "free bits": {"free_bits": 0.1},
    "learning rate": {"learning_rate_schedule": "cosine", "learning_rate_warmup": 10},
    "average": {"weights_average": 0.9, "select": "best", "validate_every": 5},
    "early stopping": {"early_stopping": 2, "validate_every": 5, "learning_rate": 0.05, "held_out_loss": "elbo"},
}


@pytest.mark.parametrize(
    ("variant", "options"),
    [("beta_vae", name) for name in OPTIONS] + [(name, "plain") for name in registry.names("variant")],
)
def test_interrupted_anywhere_it_ends_the_same(tmp_path, variant, options):
    options = OPTIONS[options]
    straight = finish(training(variant, **options), tmp_path / "a")
    expected = ended(straight)
    for stop_at in (at for at in (3, 29, 56) if at < straight.step):
        with pytest.raises(Interrupted):
            finish(training(variant, **options), tmp_path / "b", stop_at)
        resumed = training(variant, **options)
        resumed.restore(RunState(tmp_path / "b").checkpoint())
        assert resumed.step == stop_at
        same(ended(finish(resumed, tmp_path / "b")), expected)


def test_the_loss_falls(tmp_path):
    history = finish(training(learning_rate=0.01), tmp_path).history
    assert history[-1][1] < history[0][1]


def test_history_holds_means_of_every_term_and_its_weight(tmp_path):
    ended = finish(training(), tmp_path)
    assert ended.columns == ["loss", "reconstruction", "kl", "strength", "learning_rate"]
    assert [row[0] for row in ended.history] == [7, 14, 21, 28, 35, 42, 49, 56, 60]
    _, loss, reconstruction, kl, strength, _ = ended.history[3]
    assert loss == pytest.approx(reconstruction + strength * kl, rel=1e-5)


def test_seeds_differ(tmp_path):
    one, other = finish(training(seed=0), tmp_path / "0"), finish(training(seed=1), tmp_path / "1")
    assert one.history != other.history


def test_a_plateau_lowers_the_learning_rate(tmp_path):
    ended = finish(training(plateau_patience=0, validate_every=1, learning_rate=0.05), tmp_path)
    assert ended.history[-1][-1] < 0.05


def test_best_keeps_the_weights_of_the_lowest_held_out_loss(tmp_path):
    ended = finish(training(select="best", validate_every=5, learning_rate=0.05), tmp_path)
    assert np.isfinite(ended.best_loss)
    assert any(
        not torch.equal(a, b) for a, b in zip(ended.best.values(), ended.network.state_dict().values(), strict=True)
    )


def test_a_loss_that_explodes_is_a_divergence_with_its_step(tmp_path):
    with pytest.raises(Diverged, match=r"(loss|reconstruction|kl) became (inf|nan) between steps \d+ and \d+"):
        finish(training(learning_rate=1.0, likelihood="gaussian", noise_std=1e-6), tmp_path)


def test_a_time_limit_is_kept(tmp_path):
    with pytest.raises(TimeLimit, match="at step 1 of 60"):
        finish(training(running={"max_minutes": 1e-9}), tmp_path)


def test_a_checkpoint_of_another_version_is_as_none(tmp_path, capsys, monkeypatch):
    state = RunState(tmp_path)
    with monkeypatch.context() as earlier:
        earlier.setattr("multibeta.training.state.FORMAT", 1)
        state.write_checkpoint(training().state())
        assert state.checkpoint() is not None
    assert state.checkpoint() is None
    assert "written by another version" in capsys.readouterr().err


def test_an_unreadable_checkpoint_is_as_none(tmp_path, capsys):
    state = RunState(tmp_path)
    state.write_checkpoint(training().state())
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    assert state.checkpoint() is None
    assert "training this run from its start" in capsys.readouterr().err
