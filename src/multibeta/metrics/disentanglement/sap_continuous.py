"""SAP, continuous: is each factor a linear function of one latent alone?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from multibeta.metrics import Metric, Result
from multibeta.metrics.disentanglement._gap import gap_of_best_two, squared_correlation
from multibeta.metrics.disentanglement._table import check, rows


class SAPContinuous(Metric):
    """mean_k (R²_(1)k − R²_(2)k), R²_jk = Cov(z_j, v_k)² / (Var(z_j) Var(v_k)): the gap of the two best latents.

    R² is the part of factor v_k's variance that a straight line of latent z_j explains, in [0, 1]; so is the score.
    Every factor counts as a number, by its values' order, a shape as well: see ``sap`` for one that tells them apart.
    ``dlib19``: at most 10,000 rows. A latent of variance 1e-12 or less explains nothing, as in disentanglement_lib.

    Source: Kumar et al. 2018, section 3, https://arxiv.org/abs/1711.00848, as measured by Locatello et al. 2019,
    https://arxiv.org/abs/1811.12359
    """

    title = "SAP, continuous"
    source = (
        "Kumar et al. 2018, https://arxiv.org/abs/1711.00848; Locatello et al. 2019, https://arxiv.org/abs/1811.12359"
    )
    protocols = {"dlib19": {"most": 10_000}}
    better = "higher"
    needs = ("codes", "factors", "factor_names", "seed")

    def measure(
        self,
        *,
        codes: NDArray[np.float64],
        factors: NDArray[np.int64],
        factor_names: Sequence[str],
        seed: int,
        most: int,
    ) -> Result:
        check(codes, factors, factor_names, least=100, latents=2)
        kept = rows(len(codes), most, seed)
        check(codes[kept], factors[kept], factor_names, least=2)
        scores = squared_correlation(codes[kept], factors[kept])
        gaps = gap_of_best_two(scores)
        return Result(
            float(gaps.mean()),
            n=len(kept),
            parts=dict(zip(factor_names, gaps.tolist(), strict=True)),
            arrays={"scores": scores},
        )
