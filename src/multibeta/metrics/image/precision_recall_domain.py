"""Precision and recall in features of the domain: are samples like real images, and real images like samples?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, Result, Score
from multibeta.metrics._neighbours import precision_recall
from multibeta.metrics.image._sides import domain_sides

if TYPE_CHECKING:
    from multibeta.metrics._features import DomainFeatures

NEIGHBOURS = 3


class PrecisionRecallDomain(Metric):
    """precision = share of g in ∪_r B_3(r), recall = share of r in ∪_g B_3(g); B_3 reaches to the third neighbour.

    The balls are drawn around features, each to its third nearest neighbour on its own side. Precision falls with
    samples unlike any real image, recall with real images unlike any sample. 0 to 1; an outlier has a large ball, so
    one far real image can make many samples precise.

    The features are those of ``fd_domain``; r are held-out images, g prior samples, equally many: the larger side
    is cut to a draw by position.

    Source: Kynkäänniemi et al. 2019, https://arxiv.org/abs/1904.06991
    """

    title = "Precision and recall, domain features"
    source = "Kynkäänniemi et al. 2019, https://arxiv.org/abs/1904.06991"
    protocol = "domain64"
    better = "higher"
    needs = ("features", "real_images", "samples", "seed")
    representation = "prior"
    scores = {
        "precision_domain": Score("Precision, domain features"),
        "recall_domain": Score("Recall, domain features"),
    }

    def measure(
        self, *, features: DomainFeatures, real_images: NDArray[np.float32], samples: NDArray[np.float32], seed: int
    ) -> dict[str, Result]:
        sides = domain_sides(features, real_images, samples).equal(seed)
        precision, recall = precision_recall(*sides, k=NEIGHBOURS)
        n = len(sides.generated)
        return {"precision_domain": Result(precision, n=n), "recall_domain": Result(recall, n=n)}
