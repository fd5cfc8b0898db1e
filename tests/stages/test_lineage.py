"""A training of a larger budget goes on where a smaller one ended."""

import pytest

from multibeta import registry

pytest.importorskip("torch")
from multibeta.stages.shared.specs import read_cell
from multibeta.stages.train import train
from multibeta.training.run import Training

from .conftest import cell

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """Two results folders, each with its prepared dataset."""
    return [tmp_path_factory.mktemp(name) for name in ("whole", "extended")]


@pytest.mark.parametrize("variant", registry.names("variant"))
def test_a_larger_budget_goes_on_where_the_smaller_ended_and_gives_the_bytes_of_one_training(
    roots, monkeypatch, variant
):
    options = {"select": "best", "validate_every": 4, "log_every": 4, "weights_average": 0.9, "latents": 3}
    options |= {"strength_schedule": "linear", "schedule_steps": 9}
    whole = cell(roots[0], variant=variant, budget="12 steps", **options)
    train(whole)
    train(cell(roots[1], variant=variant, budget="6 steps", **options))
    steps, run_step = [], Training.run_step

    def counted(training):
        steps.append(training.step)
        run_step(training)

    monkeypatch.setattr(Training, "run_step", counted)
    extended = cell(roots[1], variant=variant, budget="12 steps", **options)
    train(extended)
    assert steps == list(range(6, 12))
    assert extended.models.read_bytes() == whole.models.read_bytes()
    assert extended.history.read_bytes() == whole.history.read_bytes()


@pytest.mark.parametrize("options", [{"learning_rate_schedule": "cosine"}, {"schedule_steps": 0.5}, {"select": "best"}])
def test_what_depends_on_the_budget_is_trained_from_its_start(tmp_path, options):
    assert read_cell(cell(tmp_path, **options)).lineage(0) is None


def test_a_copy_beside_the_states_that_are_kept_is_passed_over(tmp_path):
    train(cell(tmp_path, budget="6 steps"))
    (kept,) = (tmp_path / ".lineage").glob("*/6.safetensors")
    kept.with_name("6 (copy).safetensors").write_bytes(kept.read_bytes())
    train(cell(tmp_path, budget="12 steps"))
    assert kept.with_name("12.safetensors").is_file()


def test_epochs_may_be_extended_too(tmp_path):
    whole, extended = tmp_path / "whole", tmp_path / "extended"
    train(cell(whole, budget="2 epochs"))
    train(cell(extended, budget="1 epochs"))
    train(cell(extended, budget="2 epochs"))
    assert cell(extended, budget="2 epochs").models.read_bytes() == cell(whole, budget="2 epochs").models.read_bytes()


def test_without_the_option_no_last_state_is_kept(tmp_path):
    folder = cell(tmp_path, running={"extendable": False})
    train(folder)
    assert not (tmp_path / ".lineage").exists()
