"""Precision and recall in Inception features: are samples like real images, and real images like samples?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, Result, Score
from multibeta.metrics._neighbours import precision_recall
from multibeta.metrics.image._sides import inception_sides

if TYPE_CHECKING:
    from multibeta.metrics._features import DomainFeatures

NEIGHBOURS = 3


class PrecisionRecall(Metric):
    """precision = share of g in ∪_r B_3(r), recall = share of r in ∪_g B_3(g); B_3 reaches to the third neighbour.

    The balls are drawn around features, each to its third nearest neighbour on its own side. Precision falls with
    samples unlike any real image, recall with real images unlike any sample. 0 to 1; an outlier has a large ball, so
    one far real image can make many samples precise.

    The features are Inception's; r are held-out images, g prior samples, equally many: the larger side is cut to a draw
    by position.

    Source: Kynkäänniemi et al. 2019, https://arxiv.org/abs/1904.06991
    """

    title = "Precision and recall"
    source = "Kynkäänniemi et al. 2019, https://arxiv.org/abs/1904.06991"
    protocol = "inception_2015_12_05"
    better = "higher"
    needs = ("features", "samples", "seed")
    representation = "prior"
    scores = {"precision": Score("Precision"), "recall": Score("Recall")}

    def measure(self, *, features: DomainFeatures, samples: NDArray[np.float32], seed: int) -> dict[str, Result]:
        sides = inception_sides(features, samples).equal(seed)
        precision, recall = precision_recall(*sides, k=NEIGHBOURS)
        n = len(sides.generated)
        return {"precision": Result(precision, n=n), "recall": Result(recall, n=n)}
