"""Density and coverage in features of the domain: precision and recall that outliers do not spoil."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, Result, Score
from multibeta.metrics._neighbours import density_coverage
from multibeta.metrics.image._sides import domain_sides

if TYPE_CHECKING:
    from multibeta.metrics._features import DomainFeatures

NEIGHBOURS = 5


class DensityCoverageDomain(Metric):
    """density = mean over g of |{r: g ∈ B_5(r)}| / 5, coverage = share of r whose B_5(r) holds a g.

    The balls are drawn around features of real images alone, each to its fifth nearest neighbour among them. Density
    is about 1 for samples like real images, more where samples gather in dense places; it may exceed 1. Coverage falls
    with real images unlike any sample; 0 to 1. One far real image changes little of either.

    The features are those of ``fd_domain``; r are held-out images, g prior samples, equally many: the larger side
    is cut to a draw by position.

    Source: Naeem et al. 2020, https://arxiv.org/abs/2002.09797
    """

    title = "Density and coverage, domain features"
    source = "Naeem et al. 2020, https://arxiv.org/abs/2002.09797"
    protocol = "domain64"
    better = "higher"
    needs = ("features", "real_images", "samples", "seed")
    representation = "prior"
    scores = {
        "density_domain": Score("Density, domain features"),
        "coverage_domain": Score("Coverage, domain features"),
    }

    def measure(
        self, *, features: DomainFeatures, real_images: NDArray[np.float32], samples: NDArray[np.float32], seed: int
    ) -> dict[str, Result]:
        sides = domain_sides(features, real_images, samples).equal(seed)
        density, coverage = density_coverage(*sides, k=NEIGHBOURS)
        n = len(sides.generated)
        return {"density_domain": Result(density, n=n), "coverage_domain": Result(coverage, n=n)}
