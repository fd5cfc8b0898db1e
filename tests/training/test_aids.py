"""What helps a training: what is held out judges and stops it, weights are averaged, an adversary learns beside it."""

import pytest

from multibeta import registry
from multibeta.training.images import Images

torch = pytest.importorskip("torch")
from .conftest import IMAGES, finish, training  # noqa: E402

#: A learning rate that changes no weight, so that every validation sees the same network.
FROZEN = {"learning_rate": 1e-30}


def held_out_loss(variant="beta_vae", strength=2, **options):
    """Of a network with its initial weights, summed over the held-out images, in nats."""
    started = training(variant, strength=strength, select="best", validate_every=1, **FROZEN, **options)
    started.run_step()
    started.finish_step()
    return started.best_loss


def held_out_kl():
    """Σ KL(q(z|x) ‖ N(0, I)) over the held-out images, by the initial weights."""
    started = training(**FROZEN)
    images = started.held_out.batch(torch.arange(len(started.held_out)))[0]
    with torch.no_grad():
        mean, logvar = started.network.encode(images)
    return 0.5 * (mean**2 + logvar.exp() - logvar - 1).sum().item()


def test_held_out_images_are_judged_by_the_objective_at_full_strength():
    """Between β = 2 and β = 1 lies the KL once, and so it does while the strength is still warming up."""
    weak, strong = held_out_loss(strength=1), held_out_loss(strength=2)
    assert strong - weak == pytest.approx(held_out_kl(), rel=1e-3)
    warming_up = held_out_loss(strength=2, strength_schedule="linear", schedule_steps=1000)
    assert warming_up == pytest.approx(strong, rel=1e-6)


def test_or_by_the_negative_elbo_whatever_the_strength():
    elbo = held_out_loss(strength=1)
    assert held_out_loss(strength=2, held_out_loss="elbo") == pytest.approx(elbo, rel=1e-6)
    assert held_out_loss(strength=2, held_out_loss="elbo", free_bits=5.0) == pytest.approx(elbo, rel=1e-6)


@pytest.mark.parametrize("patience", [1, 3])
def test_a_training_ends_after_that_many_validations_in_a_row_without_a_better_loss(tmp_path, patience):
    """The first validation is better than none; all others are as good as it."""
    ended = finish(training(early_stopping=patience, validate_every=5, **FROZEN), tmp_path)
    assert ended.step == 5 * (1 + patience)
    assert ended.history[-1][0] == ended.step


def test_a_training_whose_loss_is_better_every_time_goes_on_to_its_end(tmp_path):
    started = training(early_stopping=1, validate_every=5)
    started.train = started.held_out = Images(torch.zeros_like(IMAGES).numpy())  # black, and so soon learnt
    assert finish(started, tmp_path).step == 60


def test_the_average_of_the_weights_is_that_of_every_step_each_counting_less_the_older_it_is(tmp_path):
    """(1 − d) Σ_i d^(t − i) w_i / (1 − d^t)."""
    decay, steps = 0.75, 5
    started, seen = training(weights_average=decay, learning_rate=0.01), []
    for _ in range(steps):
        started.run_step()
        started.finish_step()
        seen.append({name: tensor.double().clone() for name, tensor in started.network.state_dict().items()})
    shares = [(1 - decay) * decay ** (steps - 1 - step) / (1 - decay**steps) for step in range(steps)]
    assert sum(shares) == pytest.approx(1)
    for name, kept in started.finish().items():
        expected = sum(share * weights[name] for share, weights in zip(shares, seen, strict=True))
        torch.testing.assert_close(kept.double(), expected, rtol=1e-4, atol=1e-6)
        assert not torch.allclose(kept.double(), seen[-1][name], rtol=1e-4, atol=1e-6)


ADVERSARIAL = [name for name in registry.names("variant") if training(name).adversary is not None]


@pytest.mark.parametrize("variant", ADVERSARIAL)
def test_an_adversary_begins_with_weights_of_its_seed(variant):
    once, again, other = (training(variant, seed=seed).adversary.state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(once[name], again[name]) for name in once)
    assert not any(torch.equal(once[name], other[name]) for name in once)


@pytest.mark.parametrize("variant", ADVERSARIAL)
def test_an_adversary_learns_once_in_a_step(variant):
    """Adam's first update moves every weight that has a gradient by the learning rate."""
    started = training(variant)
    before = [parameter.clone() for parameter in started.adversary.parameters()]
    started.run_step()
    moved = max((now - then).abs().max() for now, then in zip(started.adversary.parameters(), before, strict=True))
    assert moved.item() == pytest.approx(started.variant.adversary_adam[0], rel=0.01)


def test_a_variant_is_shown_the_training_images_once_before_the_first_step(tmp_path, monkeypatch):
    vq_vae, shown = registry.find("variant", "vq_vae"), []

    def watched(self, network, images, seed, start=vq_vae.start):
        shown.append((images, seed, network.codebook.clone()))
        start(self, network, images, seed)

    monkeypatch.setattr(vq_vae, "start", watched)
    started = training("vq_vae", seed=3)
    before = started.network.codebook.clone()
    finish(started, tmp_path)
    ((images, seed, codebook),) = shown
    assert torch.equal(codebook, before)
    assert seed == 3
    own = started.train.batch(torch.arange(len(started.train)))[0]
    assert torch.equal(images.flatten(1).unique(dim=0), own.flatten(1).unique(dim=0))


def test_codes_of_the_training_images_are_standardised_when_an_autoencoder_ends(tmp_path):
    ended = finish(training("ae"), tmp_path)
    ended.finish()
    images = ended.train.batch(torch.arange(len(ended.train)))[0]
    codes = ended.network.encode(images)[0]
    assert len(codes) < len(IMAGES)
    torch.testing.assert_close(codes.mean(0), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(codes.std(0, correction=0), torch.ones(3), atol=1e-4, rtol=0)
