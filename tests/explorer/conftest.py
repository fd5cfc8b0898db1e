"""A tiny study, trained and measured once: two datasets, two variants, a run that is not trained yet."""

import shutil

import pytest

STUDY = {
    "name": "tiny",
    "datasets": {
        "sprites": {"training": {"architecture": "small_conv"}},
        "digits": {"training": {"architecture": "mlp"}},
    },
    "variants": ["beta_vae", "cvae"],
    "strengths": [0.1, 1],
    "seeds": 2,
    "exclude": [{"dataset": "sprites", "variant": "cvae"}, {"dataset": "digits", "variant": "cvae", "strength": 0.1}],
    "training": {"budget": "200 steps", "latents": 4, "learning_rate": 0.002, "log_every": 50},
    "evaluation": {
        "metrics": ["reconstruction", "kl", "mig", "ssim"],
        "protocols": ["dlib19"],
        "codes": 600,
        "held_out": 100,
        "samples": 50,
        "metric_seeds": 1,
        "figures": False,
    },
    "running": {"device": "cpu"},
}


def write(root, **changes):
    """The cells of the study below ``root``, with their specs and no more."""
    from multibeta.stages.shared.specs import write_specs
    from multibeta.study import Study

    study = Study.parse({**STUDY, **changes})
    write_specs(study, root)
    return study.cells


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The folder of the study, which no test changes."""
    pytest.importorskip("torch")
    from multibeta.stages.encode import encode
    from multibeta.stages.evaluate import evaluate
    from multibeta.stages.prepare import prepare_of_cell
    from multibeta.stages.train import train

    root = tmp_path_factory.mktemp("explorer") / "results"
    for cell in write(root):
        folder = cell.folder(root)
        prepare_of_cell(folder)
        train(folder)
        encode(folder)
        evaluate(folder)
    return root / "tiny"


@pytest.fixture
def study(finished, tmp_path):
    """A copy of the study with its images, to change."""
    shutil.copytree(finished.parent, tmp_path / "results")
    return tmp_path / "results" / "tiny"


@pytest.fixture(scope="session")
def opened(finished):
    """Opens a run of the study by dataset, variant, β and seed."""
    from multibeta.explorer.opened import open_one
    from multibeta.explorer.shelf import read_shelf

    cells = {each.place: each for each in read_shelf(finished).cells}
    return lambda *place, seed=0: open_one(cells[place], seed)
