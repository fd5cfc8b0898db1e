"""Adversaries: who learns from fooling them, and what they are shown."""

import pytest

torch = pytest.importorskip("torch")
from .conftest import LATENTS, make, one_pass  # noqa: E402


def test_of_a_vae_gan_the_decoder_alone_learns_to_fool():
    """Algorithm 1 of Larsen et al.: the encoder sees the KL and the features."""
    variant = make("vae_gan")
    forward = one_pass(variant)
    terms = variant.loss(forward, 1.0)
    network = forward.network
    terms["generator"][1].backward(retain_graph=True)
    encoder = [*network.body.parameters(), *network.posterior.parameters()]
    assert all(parameter.grad is None for parameter in encoder)
    assert all(parameter.grad.any() for parameter in network.decoder.parameters())
    (terms["kl"][1] + terms["features"][1]).backward()
    assert all(parameter.grad.any() for parameter in encoder)


def test_factor_vae_shows_codes_and_codes_whose_latents_are_shuffled_each_in_its_own_order():
    variant = make("factor_vae", width=4)
    forward = one_pass(variant).detached()
    shown = []

    def discriminator(codes):
        shown.append(codes)
        return codes.sum(1, keepdim=True)

    forward.adversary = discriminator
    variant.adversary_loss(forward)
    codes, shuffled = torch.cat(shown).chunk(2)
    assert torch.equal(codes, forward.z)
    assert torch.equal(shuffled.sort(0).values, codes.sort(0).values)
    orders = [(shuffled[:, [j]] == codes[:, j]).double().argmax(1) for j in range(LATENTS)]
    assert len({tuple(order.tolist()) for order in orders}) > 1
