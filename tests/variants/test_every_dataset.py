"""Every variant on every kind of dataset: trained, stopped and resumed to the same bytes, measured and drawn."""

import math
import os
import signal
from pathlib import Path

import pytest

from multibeta import registry
from multibeta.files import read_json, read_table
from multibeta.results import state_folder
from multibeta.stages.draw import draw
from multibeta.stages.encode import encode
from multibeta.stages.evaluate import evaluate
from multibeta.stages.prepare import prepare_of_cell
from multibeta.stages.shared.specs import write_specs
from multibeta.stages.train import Interrupted, train
from multibeta.study import Study
from multibeta.training.run import Training

torch = pytest.importorskip("torch")

#: What takes long is made small.
FEW = {
    "vq_vae": {"codebook_size": 16, "entry_size": 2, "prior_steps": 5},
    "factor_vae": {"width": 16},
}
#: Scores of the posteriors' densities, beside all scores of sampled codes.
OF_DENSITIES = ("kl", "elbo", "udr", "kl_mutual_information", "kl_total_correlation", "kl_dimension_wise")
NO_DENSITY = "not computed: the codes of this model are points, without a density"


MIRROR = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="module", params=["sprites", "digits", "mnist"])
def root(request, tmp_path_factory):
    """A results folder that holds the dataset, prepared."""
    if request.param == "mnist" and not MIRROR.is_dir():
        pytest.skip(f"needs the mirror of MNIST at {MIRROR}")
    folder = tmp_path_factory.mktemp(request.param)
    prepare_of_cell(cell(folder, request.param, "beta_vae"))
    return folder, request.param


@pytest.fixture(autouse=True)
def _one_thread():
    """As in the pipeline: the number of threads may change the last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def cell(folder, dataset, variant):
    config = {
        "name": "x",
        "datasets": [dataset],
        "variants": {variant: {"options": FEW.get(variant, {})}},
        "strengths": [2],
        "seeds": [3],
        "training": {"architecture": "mlp", "latents": 4, "budget": "12 steps", "batch_size": 16, "log_every": 5},
        "evaluation": {
            "metrics": [
                *("mig", "mig_chen18", "udr", "kl", "elbo", "kl_decomposition"),
                *("reconstruction", "mse", "active_units"),
            ],
            "codes": 200,
            "held_out": 40,
            "samples": 20,
            "metric_seeds": 1,
        },
        "mirror": str(MIRROR),
    }
    study = Study.parse(config)
    write_specs(study, folder)
    return study.cells[0].folder(folder)


@pytest.mark.parametrize("variant", registry.names("variant"))
def test_it_trains_resumes_to_the_same_bytes_and_is_measured_and_drawn(root, variant, monkeypatch):
    folder, dataset = root
    straight = cell(folder, dataset, variant)
    train(straight)
    expected = straight.models.read_bytes()
    fingerprint = read_json(straight.cell)["runs"]["3"]["fingerprint"]
    for file in [straight.models, *state_folder(folder, fingerprint).iterdir()]:
        file.unlink()

    def step_and_signal(training):
        run_step(training)
        if training.step == 7:
            os.kill(os.getpid(), signal.SIGTERM)

    run_step = Training.run_step
    monkeypatch.setattr(Training, "run_step", step_and_signal)
    with pytest.raises(Interrupted):
        train(straight)
    monkeypatch.setattr(Training, "run_step", run_step)
    train(straight)
    assert straight.models.read_bytes() == expected

    encode(straight)
    evaluate(straight)
    rows = read_table(straight.metrics)
    rows = rows[rows.factor == ""]
    of_densities = (rows.representation == "sampled") | rows.metric.isin(OF_DENSITIES)
    assert set(rows[of_densities].metric) == {"mig", *OF_DENSITIES}
    assert "chen18" in set(rows[rows.representation == "sampled"].protocol)
    if registry.find("variant", variant).points:
        assert ((rows.status == NO_DENSITY) == of_densities).all()
        assert rows[of_densities].value.isna().all()
    else:
        assert NO_DENSITY not in set(rows.status)
    others = rows[~of_densities]
    assert (others.status == "done").all()
    assert others.value.map(math.isfinite).all()
    draw(straight, prepare_of_cell(straight))
    drawn = {file.stem for file in straight.figures.glob("*.png")}
    assert {"latents", "reconstructions", "samples", "traversals_prior", "interpolations"} <= drawn
