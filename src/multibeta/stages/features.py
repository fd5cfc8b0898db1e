"""prepared dataset → features.safetensors: the network that fd_domain measures samples with."""

from __future__ import annotations

from pathlib import Path

from multibeta.datasets import Dataset
from multibeta.metrics._features import DomainFeatures, train
from multibeta.results import replacing


def learn_features(data_folder: Path, output: Path) -> None:
    """Train the domain features of the dataset in ``data_folder`` and write them to ``output``.

    The network learns the dataset's factors, or its labels if it has none. The file of a dataset with neither says so
    and holds no network. Uses as many threads as torch is set to; the bytes depend on their number.
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
    with replacing(output) as temporary:
        features.save(temporary)
