"""prepared dataset → features.safetensors: the dataset's own network, and how far networks can be trusted."""

from __future__ import annotations

from pathlib import Path

from multibeta.datasets import Dataset
from multibeta.files import replacing
from multibeta.metrics._domain_network import as_input
from multibeta.metrics._features import DomainFeatures, Pretrained, real_images, train
from multibeta.metrics.image import _inception, lpips


def learn_features(data_folder: Path, output: Path) -> None:
    """Train the domain features of the dataset in ``data_folder``, calibrate every network and write ``output``.

    The network learns the dataset's factors, or its labels if it has none. The file of a dataset with neither says so
    and holds no network. Networks with published weights are calibrated if their files are there; otherwise the file
    says that they are not. Uses as many threads as torch is set to; the bytes depend on their number.
    """
    dataset = Dataset(data_folder)
    if dataset.factors is not None:
        targets = dataset.factors
        sizes, names = zip(*((factor.size, factor.name) for factor in dataset.factor_specs), strict=True)
        features = train(dataset.images, targets, sizes, names, dataset.held_out)
    elif dataset.labels is not None:
        features = train(dataset.images, dataset.labels[:, None], [len(dataset.classes)], ["label"], dataset.held_out)
    else:
        features = DomainFeatures(f"dataset {dataset.name} has neither factors nor labels to learn features from")
    features.pretrained = _pretrained(dataset)
    with replacing(output) as temporary:
        features.save(temporary)


def _pretrained(dataset: Dataset) -> dict[str, Pretrained]:
    held_rows, train_rows = real_images(dataset.held_out, _inception.REAL, seed=0)
    if len(held_rows) < 2:
        few = Pretrained(f"needs two training and held-out images or more, found {len(held_rows)} of each")
        return {"inception": few, "alexnet": few}
    held, trained = (as_input(dataset.images[rows]).numpy() for rows in (held_rows, train_rows))
    return {"inception": _inception.calibration(held, trained), "alexnet": lpips.calibration(held)}
