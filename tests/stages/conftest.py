"""A small cell of digits to train."""

import pytest

from multibeta.stages.prepare import prepare_of_cell
from multibeta.stages.shared.specs import write_specs
from multibeta.study import Study

#: What takes long is made small.
FEW = {"vq_vae": {"codebook_size": 8, "entry_size": 2, "prior_steps": 3}, "factor_vae": {"width": 16}}
OPTIONS = {"architecture": "mlp", "latents": 2, "budget": "20 steps", "log_every": 5}


@pytest.fixture
def one_thread():
    """As in the pipeline: the number of threads may change the last bits."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def cell(root, seeds=(0,), variant="beta_vae", running=None, **training):
    """The folder of a cell of digits, prepared for training."""
    config = {
        "name": "x",
        "datasets": ["digits"],
        "variants": {variant: {"options": FEW.get(variant, {})}},
        "strengths": [2],
        "seeds": list(seeds),
        "training": {**OPTIONS, **training},
        "running": {"device": "cpu", **(running or {})},
    }
    study = Study.parse(config)
    write_specs(study, root)
    folder = study.cells[0].folder(root)
    prepare_of_cell(folder)
    return folder


def weights(folder, seed):
    from safetensors.torch import load_file

    tensors = load_file(folder.models)
    return {name: tensor for name, tensor in tensors.items() if name.startswith(f"seed{seed}/")}


def same(one, other):
    assert one
    assert one.keys() == other.keys()
    assert all(tensor.equal(other[name]) for name, tensor in one.items())


def no_training(*_):
    raise AssertionError("trained again")
