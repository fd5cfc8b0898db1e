"""The strength of a step and the images of a batch are functions of the step alone."""

import numpy as np
import pytest

from multibeta.options import TrainingOptions
from multibeta.training.schedules import BatchOrder, rate_at, strength_at, total_steps


def path(schedule, start=0.0, steps=10, strength=4.0):
    options = TrainingOptions(strength_schedule=schedule, schedule_steps=steps, schedule_start=start)
    return [strength_at(step, strength, options, 20) for step in range(21)]


def test_constant_is_the_strength_from_the_start():
    assert set(path("constant")) == {4.0}


def test_a_path_of_no_steps_is_the_strength_from_the_start():
    assert set(path("linear", steps=0)) == {4.0}


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_warm_up_climbs_from_zero_to_the_strength_and_stays(schedule):
    climb = path(schedule)
    assert climb[0] == 0
    assert climb[5] == pytest.approx(2)
    assert set(climb[10:]) == {4.0}
    assert climb == sorted(climb)


def test_a_path_below_one_is_a_share_of_the_training():
    assert path("linear", steps=0.5) == path("linear", steps=10)


def rates(**options):
    return [rate_at(step, TrainingOptions(learning_rate=1.0, **options), 20) for step in range(20)]


def test_a_learning_rate_warms_up_and_stays():
    assert rates(learning_rate_warmup=4)[:6] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1])
    assert set(rates()) == {1.0}


def test_a_learning_rate_comes_down_to_zero_after_its_warm_up():
    linear = rates(learning_rate_schedule="linear", learning_rate_warmup=10)
    assert linear[10:] == pytest.approx([1 - step / 10 for step in range(10)])
    cosine = rates(learning_rate_schedule="cosine")
    assert cosine[0] == 1
    assert cosine[10] == pytest.approx(0.5)
    assert cosine == sorted(cosine, reverse=True)


def test_annealing_comes_down_from_above():
    assert path("linear", start=3.0)[::5] == [12.0, 8.0, 4.0, 4.0, 4.0]


def test_cyclic_climbs_half_of_every_period_and_holds_the_other():
    assert path("cyclic")[:20:5] == [0.0, 4.0, 0.0, 4.0]
    assert path("cyclic")[7] == 4.0


def test_an_epoch_draws_every_image_once_and_the_next_in_another_order():
    order = BatchOrder(images=12, batch_size=4, seed=0)
    first = np.concatenate([order.indices(step) for step in range(3)])
    second = np.concatenate([order.indices(step) for step in range(3, 6)])
    assert sorted(first) == sorted(second) == list(range(12))
    assert first.tolist() != second.tolist()


def test_the_order_depends_on_seed_and_step_only():
    straight, jumped = BatchOrder(10, 3, seed=1), BatchOrder(10, 3, seed=1)
    expected = [straight.indices(step).tolist() for step in range(8)]
    assert jumped.indices(7).tolist() == expected[7]
    assert BatchOrder(10, 3, seed=2).indices(0).tolist() != expected[0]


def test_a_batch_is_never_larger_than_the_dataset():
    assert len(BatchOrder(5, 64, seed=0).indices(3)) == 5


@pytest.mark.parametrize(("budget", "steps"), [("7 steps", 7), ("3 epochs", 30), ("1 epochs", 10)])
def test_a_budget_in_epochs_counts_full_batches(budget, steps):
    assert total_steps(budget, images=103, batch_size=10) == steps
