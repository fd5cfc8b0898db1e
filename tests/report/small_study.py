"""A study of two small cells of digits, trained and measured in this process, for tests that look at it."""

import torch

from multibeta.results import StudyFolder
from multibeta.stages.measure import measure
from multibeta.stages.prepare import prepare_of_cell
from multibeta.stages.shared.specs import write_specs
from multibeta.stages.train import train
from multibeta.study import Study

METRICS = ["kl", "reconstruction", "mse", "mig", "factor_vae_score", "udr"]


def small_study(root, strengths=(1, 4), metrics=METRICS, **changes):
    """The folder of the study, below ``root``; on one thread, as in the pipeline."""
    training = {"architecture": "mlp", "latents": 3, "budget": "40 steps", "learning_rate": 0.002, "log_every": 20}
    evaluation = {"metrics": list(metrics), "protocols": ["dlib19"], "codes": 300, "held_out": 60, "samples": 60}
    config = {
        "name": "small",
        "datasets": ["digits"],
        "variants": {"beta_vae": {}},
        "strengths": list(strengths),
        "seeds": 2,
        "training": {**training, **changes},
        "evaluation": evaluation,
        "running": {"device": "cpu"},
    }
    study = Study.parse(config)
    write_specs(study, root)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for cell in study.cells:
            folder = cell.folder(root)
            prepare_of_cell(folder)
            train(folder)
            measure(folder, ("encode", "evaluate"))
    finally:
        torch.set_num_threads(before)
    return StudyFolder(study.folder(root).path)
