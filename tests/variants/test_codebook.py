"""The codebook of a VQ-VAE, on a network whose vectors are the pixels: its start, its running means, its restarts, its
prior."""

import pytest

from multibeta import registry
from multibeta.variants import Parts

torch = pytest.importorskip("torch")
from .conftest import make  # noqa: E402

#: Four entries of two numbers, far apart.
PLACES = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [3.0, 3.0]])


def network_of(variant, codebook=None):
    """Two latents; the vectors of an image (1, 2, 2) are its rows."""
    network = variant.network(Parts(registry.find("architecture", "mlp")(), (1, 2, 2), latents=2))
    network.body, network.posterior = torch.nn.Flatten(), torch.nn.Identity()
    if codebook is not None:
        network.codebook.copy_(codebook)
        network.sums.copy_(codebook * network.counts[:, None])
    return network


def images_of(vectors):
    return vectors.reshape(-1, 1, 2, 2)


def step(network, vectors):
    """A training pass, which moves the codebook."""
    images = images_of(vectors)
    noise, chance = torch.randn(2, len(images), 2, generator=torch.Generator().manual_seed(2))
    network(images, None, noise, chance)


def around(places, count, width=0.01):
    """``count`` vectors around each place, in no order."""
    vectors = places.repeat(count, 1)
    vectors = vectors + width * torch.randn(vectors.shape, generator=torch.Generator().manual_seed(0))
    return vectors[torch.randperm(len(vectors), generator=torch.Generator().manual_seed(1))]


def test_entries_follow_the_running_means_of_the_vectors_that_choose_them():
    """Two steps by hand, of two entries in use and two that are never chosen; d = ¾."""
    network = network_of(make("vq_vae", codebook_size=4, entry_size=2, decay=0.75, restart_below=0))
    network.codebook.copy_(torch.tensor([[0.0, 0.0], [10.0, 0.0], [500.0, 0.0], [0.0, 500.0]]))
    network.counts.copy_(torch.tensor([4.0, 2.0, 1.0, 1.0]))
    network.sums.copy_(torch.tensor([[0.0, 0.0], [20.0, 0.0], [500.0, 0.0], [0.0, 500.0]]))
    step(network, torch.tensor([[1.0, 0.0], [0.0, 2.0], [2.0, 0.0], [12.0, 4.0]]))
    # Uses ¾ · 4 + ¼ · 3 and ¾ · 2 + ¼ · 1; sums ¾ · (0, 0) + ¼ · (3, 2) and ¾ · (20, 0) + ¼ · (12, 4).
    expected = [[0.75 / 3.75, 0.5 / 3.75], [18 / 1.75, 1 / 1.75], [500, 0], [0, 500]]
    torch.testing.assert_close(network.codebook, torch.tensor(expected))
    step(network, torch.tensor([[1.0, 1.0], [9.0, 0.0], [9.0, 0.0], [11.0, 0.0]]))
    # Uses ¾ · 3.75 + ¼ · 1 and ¾ · 1.75 + ¼ · 3; sums ¾ · (0.75, 0.5) + ¼ · (1, 1) and ¾ · (18, 1) + ¼ · (29, 0).
    expected = [[0.8125 / 3.0625, 0.625 / 3.0625], [20.75 / 2.0625, 0.75 / 2.0625], [500, 0], [0, 500]]
    torch.testing.assert_close(network.codebook, torch.tensor(expected))


def test_entries_are_kept_in_full_though_the_network_is_in_half():
    moved = []
    for half in (False, True):
        network = network_of(make("vq_vae", codebook_size=4, entry_size=2), PLACES)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            step(network, around(PLACES, 8))
        moved.append(network.codebook.clone())
    assert moved[1].dtype == torch.float32
    assert not torch.equal(moved[1], PLACES)
    assert torch.allclose(*moved, atol=1e-3)


def test_after_training_entries_stay():
    network = network_of(make("vq_vae", codebook_size=4, entry_size=2), PLACES).eval()
    step(network, around(PLACES, 8, width=0.3))
    assert torch.equal(network.codebook, PLACES)


@pytest.mark.parametrize("images", [4, 64])
def test_it_starts_from_the_clusters_of_the_vectors_and_the_first_step_leaves_them(images):
    variant = make("vq_vae", codebook_size=4, entry_size=2)
    network = network_of(variant)
    vectors = around(PLACES, 200)
    variant.start(network, images_of(vectors), seed=0)
    assert sorted(torch.cdist(PLACES, network.codebook).argmin(1).tolist()) == [0, 1, 2, 3]
    assert torch.cdist(PLACES, network.codebook).min(1).values.max() < 0.01
    started = network.codebook.clone()
    step(network, vectors[: 2 * images])
    torch.testing.assert_close(network.codebook, started, atol=0.005, rtol=0)


def test_a_start_from_fewer_vectors_than_entries_uses_them_all():
    variant = make("vq_vae", codebook_size=8, entry_size=2)
    network = network_of(variant)
    variant.start(network, images_of(PLACES), seed=0)
    assert torch.cdist(PLACES, network.codebook).min(1).values.max() == 0
    assert torch.cdist(network.codebook, PLACES).min(1).values.max() == 0


@pytest.mark.parametrize("restart_below", [0.1, 0.0])
def test_an_entry_out_of_use_begins_anew_at_a_vector_of_the_batch_and_one_in_use_stays(restart_below):
    variant = make("vq_vae", codebook_size=4, entry_size=2, decay=0.5, restart_below=restart_below)
    away = torch.tensor([[100.0, 100.0], [-100.0, 100.0]])
    network = network_of(variant, torch.cat([PLACES[:2], away]))
    for _ in range(12):
        step(network, PLACES[:2].repeat(8, 1))
    torch.testing.assert_close(network.codebook[:2], PLACES[:2])
    to_batch = torch.cdist(network.codebook[2:], PLACES[:2]).min(1).values
    assert (to_batch < 1e-4).all() if restart_below else (to_batch > 100).all()


def test_the_prior_learns_how_entries_depend_on_those_before():
    """Each pair of entries is (k, k + 1): of independent draws a quarter would be such pairs."""
    variant = make("vq_vae", codebook_size=4, entry_size=2, prior_steps=150)
    torch.manual_seed(0)
    network = network_of(variant, PLACES).eval()
    pairs = images_of(torch.stack([PLACES, PLACES.roll(-1, 0)], 1))
    codes = network.encode(pairs)[0]
    noise = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))

    def share():
        return (network.prior(noise)[:, None] == codes[None]).all(2).any(1).double().mean().item()

    assert share() < 0.5
    variant.finish(network, codes.repeat(50, 1), seed=0)
    assert share() > 0.95
    first = network.prior(noise)[:, 0]
    assert all((first == score).double().mean() == pytest.approx(0.25, abs=0.1) for score in codes[:, 0])
