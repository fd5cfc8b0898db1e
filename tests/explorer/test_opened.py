"""A run opened: the model itself, its codes from the file or made anew, and its latents in order."""

import shutil

import numpy as np
import pytest

from multibeta.explorer.opened import CODES, REACH, open_one
from multibeta.explorer.shelf import read_shelf
from multibeta.model import load_run
from multibeta.results import CellFolder
from multibeta.stages.shared.codes import read_codes, usage

PLACE = ("sprites", "beta_vae", "0.1")


def open_again(folder, place=PLACE, seed=0):
    return open_one(next(each for each in read_shelf(folder).cells if each.place == place), seed)


def test_it_is_the_model_of_the_cell(finished, opened):
    found = opened(*PLACE, seed=1)
    same = load_run(finished / "cells/sprites/beta_vae/beta~0.1", seed=1)
    z = np.random.default_rng(0).standard_normal((3, 4))
    assert np.array_equal(found.decode(z, np.zeros(3, int)), same.decode(z))


def test_codes_are_those_of_the_file(finished, opened):
    found = opened(*PLACE)
    chosen, codes = read_codes(CellFolder(finished / "cells/sprites/beta_vae/beta~0.1"))
    assert found.origin == "codes.npz"
    assert np.array_equal(found.codes.mean, codes[0].mean)
    assert np.array_equal(found.chosen.code_table, chosen.code_table)


def test_latents_stand_in_the_order_of_their_kl(opened):
    found = opened(*PLACE)
    kl, variance = usage(found.codes)
    assert (np.diff(kl[found.order]) <= 0).all()
    assert np.array_equal(found.active, variance > 0.01)
    assert (found.reach >= REACH).all()
    assert (np.abs(found.codes.mean) <= found.reach).all()


def test_without_codes_a_few_images_are_encoded(study):
    place = study / "cells/sprites/beta_vae/beta~0.1"
    full = open_again(study)
    (place / "codes.npz").unlink()
    found = open_again(study)
    assert found.origin == "encoded here, 600 images"
    assert CODES > 600
    assert np.allclose(found.codes.mean, full.codes.mean, atol=1e-5)


@pytest.mark.parametrize("other", ["sprites/beta_vae/beta~1", "digits/beta_vae/beta~0.1"])
def test_codes_of_other_models_are_not_taken(study, other):
    """As after a training anew that broke off before it was encoded."""
    own = open_again(study)
    shutil.copy(study / "cells" / other / "codes.npz", study / "cells/sprites/beta_vae/beta~0.1/codes.npz")
    found = open_again(study)
    assert found.origin.startswith("encoded here")
    assert np.allclose(found.codes.mean, own.codes.mean, atol=1e-5)


def test_damaged_codes_are_made_anew(study):
    (study / "cells/sprites/beta_vae/beta~0.1/codes.npz").write_bytes(b"PK\x03\x04nonsense")
    assert open_again(study).origin.startswith("encoded here")


def test_pickled_codes_are_not_read(study):
    with (study / "cells/sprites/beta_vae/beta~0.1/codes.npz").open("wb") as file:
        np.savez(file, **{"seed0/mean": np.array([{}], object)})
    assert open_again(study).origin.startswith("encoded here")


def test_without_images_the_model_still_opens(study):
    shutil.rmtree(study.parent / ".data")
    found = open_again(study)
    assert found.dataset is None
    assert found.origin == "codes.npz"
    assert found.decode(np.zeros((1, 4)), np.zeros(1, int)).shape == (1, 1, 32, 32)
    with pytest.raises(ValueError, match="images of sprites are not prepared"):
        found.image(0)


def test_without_images_and_codes_every_latent_counts_as_used(study):
    shutil.rmtree(study.parent / ".data")
    (study / "cells/sprites/beta_vae/beta~0.1/codes.npz").unlink()
    found = open_again(study)
    assert found.active.all()
    assert found.order.tolist() == [0, 1, 2, 3]
    assert np.isnan(found.kl).all()
    with pytest.raises(ValueError, match="not prepared"):
        found.require_codes()


def test_a_conditional_model_knows_what_it_is_told(opened):
    found = opened("digits", "cvae", "1")
    assert found.condition_names == [str(digit) for digit in range(10)]
    assert found.condition_at(7) == found.dataset.labels[7]
    assert opened("digits", "beta_vae", "0.1").condition_names == []


def test_a_seed_without_a_model_says_so(finished):
    with pytest.raises(ValueError, match="seed 9 has no model"):
        open_again(finished, seed=9)


def test_weights_of_another_network_are_named(study):
    other = study / "cells/digits/beta_vae/beta~1/models.safetensors"
    shutil.copy(other, study / "cells/sprites/beta_vae/beta~0.1/models.safetensors")
    with pytest.raises(ValueError, match=r"models\.safetensors: damaged \(Error\(s\) in loading state_dict"):
        open_again(study)
