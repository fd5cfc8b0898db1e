"""The tiny study that is tampered with, with everything a study can have lying about."""

from pathlib import Path

import yaml

STUDY = {
    "name": "tiny",
    "datasets": ["digits"],
    "variants": ["beta_vae"],
    "strengths": [1, 4],
    "seeds": 2,
    "training": {
        "architecture": "mlp",
        "architecture_options": {"widths": [16]},
        "budget": "40 steps",
        "latents": 3,
        "log_every": 20,
        "learning_rate": 0.002,
    },
    "evaluation": {
        "metrics": ["reconstruction", "kl", "mig"],
        "protocols": ["dlib19"],
        "codes": 200,
        "held_out": 50,
        "samples": 50,
        "metric_seeds": 2,
    },
    "report": {
        "title": "Tiny",
        "targets": [{"metric": "mig", "name": "good", "above": 0.3}],
        "published": [
            {
                "source": "Nobody 2020, https://example.org",
                "dataset": "digits",
                "variant": "beta_vae",
                "strength": 4,
                "metric": "mig",
                "protocol": "dlib19",
                "representation": "mean",
                "value": 0.1,
            }
        ],
    },
    "running": {"device": "cpu", "checkpoint_seconds": 0.001},
}
CELL = "results/tiny/cells/digits/beta_vae/beta~4"
#: Trained half, so that it lies there with a checkpoint.
HALF = "results/half/cells/digits/beta_vae/beta~2"


def make():
    """Make it in the current folder, with an archive of it, and data of one's own under a name."""
    import numpy as np
    from PIL import Image

    from multibeta.cli import main
    from multibeta.stages.shared.specs import write_specs
    from multibeta.study import Study

    Path("config.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False), encoding="utf-8")
    for config in (STUDY, {**STUDY, "name": "half", "strengths": [2], "seeds": [0], "report": {}}):
        study = Study.parse(config)
        write_specs(study, Path("results"))
        for cell in study.cells:
            folder = str(cell.folder(Path("results")).path)
            if config["name"] == "half":
                assert main(["train", folder, "--minutes", "0.00001"]) == 75
                continue
            assert main(["train", folder]) == 0
            assert main(["measure", folder]) == 0
    assert main(["references", "results/tiny", "digits"]) == 0
    assert main(["numbers", "results/tiny", "--lock"]) == 0
    assert main(["report", "results/tiny"]) == 0
    assert main(["pack", "results/tiny", "-o", "tiny.zip", "--weights", "--date", "2026-01-31"]) == 0
    rng = np.random.default_rng(0)
    images, names = rng.integers(0, 256, (12, 8, 8, 1), np.uint8), np.arange(12) % 3
    np.savez("mine.npz", images=images, labels=names)
    Path("pictures").mkdir()
    for position, image in enumerate(images):
        Image.fromarray(image[..., 0]).save(f"pictures/{position}.png")
    rows = "".join(f"{position}.png,{position % 2}\n" for position in range(12))
    Path("attributes.csv").write_text(f"file,round\n{rows}", encoding="utf-8")
    assert main(["datasets", "add", "mine.npz"]) == 0
