"""A small training on random images."""

import numpy as np
import pytest

from multibeta.study import Study
from multibeta.training.images import Images
from multibeta.training.loop import run_to_end
from multibeta.training.run import Training
from multibeta.training.state import RunState

torch = pytest.importorskip("torch")
#: What takes long is made small.
FEW = {
    "vq_vae": {"codebook_size": 8, "entry_size": 2, "prior_steps": 3},
    "factor_vae": {"width": 16},
}
IMAGES = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (200, 8, 8, 1), dtype=np.uint8))
LABELS = torch.arange(200) % 10


def training(variant="beta_vae", seed=0, running=None, strength=2, **options):
    config = {
        "name": "x",
        "datasets": ["digits"],
        "variants": {variant: {"options": FEW.get(variant, {})}},
        "strengths": [strength],
        "training": {
            "architecture": "mlp",
            "latents": 3,
            "budget": "60 steps",
            "batch_size": 16,
            "log_every": 7,
            **options,
        },
        "running": running or {},
    }
    cell = Study.parse(config).cells[0]
    train, held_out = (Images(IMAGES[part].numpy(), LABELS[part].numpy()) for part in (slice(0, 150), slice(150, 200)))
    return Training(cell, seed, train, held_out, "cpu")


def finish(started, folder, stop_at=None):
    for _ in run_to_end(started, RunState(folder), lambda: started.step == stop_at, lambda _: None):
        pass
    return started
