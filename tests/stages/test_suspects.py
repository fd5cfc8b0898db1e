"""What of a run that was measured anew makes metrics.csv altered, where its machine is another than then."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from multibeta.report.drift import Drift, Verdict
from multibeta.results import CellFolder
from multibeta.stages.shared.measured import Measured
from multibeta.stages.shared.suspects import Evidence, altered, rests_on_this_machine

FOLDER = CellFolder(Path("beta~4"))
MIG, KL = ("dlib19", "mean", "mig", ""), ("held_out", "posterior", "kl", "")
NONE = pd.DataFrame()
MEASURED = Measured(FOLDER, NONE, NONE, {}, {}, {}, NONE, {}, [], [0], [], False)


def drift(key, then, now):
    return Drift(key, then, now, 0.5, Verdict.IDENTICAL if then == now else Verdict.ROUNDING)


def evidence(key=MIG, then=0.3, stored=0.25, trained=0.25, **changes):
    """A run on another processor, whose stored weights are those of codes.npz and nearly those trained anew."""
    found = Evidence(
        folder=FOLDER,
        seed=0,
        measured=MEASURED,
        damage={},
        weights=1e-7,
        losses=1e-7,
        kept=None,
        trained=[drift(key, then, trained)],
        stored=[drift(key, then, stored)],
        rows=[],
        malformed="",
        measuring=["processor: A → B"],
        same_code=True,
        doubted=(),
    )
    return replace(found, **changes)


def test_a_score_that_both_models_have_and_the_table_has_not_was_altered():
    assert altered(evidence()) == {"beta~4/metrics.csv": "seed 0: the same weights score otherwise (mig 0.3 → 0.25)"}


@pytest.mark.parametrize(
    "otherwise",
    [
        {"trained": 0.26},  # it hangs on rounding
        {"trained": 0.2999, "stored": 0.2999},  # a few decisions may do that
        {"weights": 0.0, "losses": 0.0},  # the models are one
        {"measuring": ["scikit-learn: 1.8 → 1.9"]},
        {"measuring": ["device: NVIDIA H100 → cpu"]},
        {"same_code": False},
        {"kept": 0.1},  # the weights are not those that its training left
        {"measured": replace(MEASURED, own=[])},  # nothing says whose weights they are
        {"doubted": {"mig"}},
    ],
)
def test_a_score_that_something_else_explains_is_no_reason_to_accuse(otherwise):
    assert altered(evidence(**otherwise)) == {}


def test_a_smooth_score_moves_in_its_last_digits_alone():
    assert altered(evidence(KL, 12.0, 12.00001, 12.0)) == {}
    assert "(kl 12 → 12.001)" in altered(evidence(KL, 12.0, 12.001, 12.01))["beta~4/metrics.csv"]
    assert altered(evidence(KL, 12.0, 12.001, 12.0)).keys() == {"beta~4/models.safetensors"}


def test_a_gpu_that_rounds_to_fewer_digits_moves_a_smooth_score_farther():
    on_gpu = {"key": KL, "then": 12.0, "measuring": ["device: NVIDIA H100 → cpu"]}
    assert altered(evidence(stored=12.01, trained=12.02, **on_gpu)) == {}
    assert "(kl 12 → 12.2)" in altered(evidence(stored=12.2, trained=12.3, **on_gpu))["beta~4/metrics.csv"]


def test_only_weights_that_are_not_here_explain_that_a_metric_is_not_computed():
    assert rests_on_this_machine("not computed: AlexNet weights absent (expected sha256 7be5be79…)")
    assert not rests_on_this_machine("not computed: images of 8×8 are smaller than SSIM's 11×11 window")
    assert not rests_on_this_machine("done")
