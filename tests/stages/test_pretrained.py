"""Training that begins with a trained model, of variants that set or fit something beside their weights."""

import numpy as np
import pytest

from multibeta.datasets import Dataset
from multibeta.files import read_table
from multibeta.results import data_folder
from multibeta.stages.prepare import prepare_of_cell
from multibeta.stages.shared.specs import read_cell, write_specs
from multibeta.stages.train import train
from multibeta.study import Study

torch = pytest.importorskip("torch")

from multibeta.model import load_run  # noqa: E402 - needs torch

SMALL = {"vq_vae": {"codebook_size": 8, "entry_size": 2, "prior_steps": 3}}


def trained(root, variant, **training):
    options = {"architecture": "mlp", "latents": 3, "budget": "20 steps", "learning_rate": 0.002, **training}
    config = {
        "name": "x",
        "datasets": ["digits"],
        "variants": {variant: {"options": SMALL.get(variant, {})}},
        "strengths": [0.5],
        "seeds": [0],
        "training": options,
    }
    study = Study.parse(config)
    write_specs(study, root)
    folder = study.cells[0].folder(root)
    prepare_of_cell(folder)
    train(folder)
    return folder


def test_an_autoencoders_codes_are_standardised_once_more(tmp_path):
    source = trained(tmp_path / "source", "ae")
    folder = trained(tmp_path, "ae", pretrained=str(source.path), budget="30 steps")
    dataset = Dataset(data_folder(folder.root, read_cell(folder).data_key))
    images = dataset.images[~dataset.held_out].transpose(0, 3, 1, 2)
    for place in (source, folder):
        codes = load_run(place.path).encode(images)[0]
        assert np.abs(codes.mean(0)).max() < 1e-3
        assert codes.std(0) == pytest.approx(1, abs=1e-3)


def test_a_codebook_taken_over_is_not_begun_anew(tmp_path):
    source = trained(tmp_path / "source", "vq_vae")
    folder = trained(tmp_path, "vq_vae", pretrained=str(source.path), budget="1 steps")
    before, after = (load_run(place.path).network.codebook for place in (source, folder))
    assert torch.allclose(before, after, atol=0.1 * before.std().item())


def test_a_codebook_of_another_size_is(tmp_path):
    """Nothing of it fits, so the network is started as one without a past."""
    source = trained(tmp_path / "source", "beta_vae")
    folder = trained(tmp_path, "vq_vae", pretrained=str(source.path), budget="1 steps")
    usage = read_table(folder.history).usage.iloc[0]
    assert usage > 0.5  # the k means of the images; random entries are chosen by few
