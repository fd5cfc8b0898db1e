"""Where a mean stands: thresholds are strict, the last target reached counts."""

import math

import pytest

from multibeta.report.targets import condition, standing

MIG = [
    {"metric": "mig", "name": "good", "above": 0.3, "below": None},
    {"metric": "mig", "name": "excellent", "above": 0.5},
]
FID = [{"metric": "fid", "name": "good", "above": None, "below": 50.0}]


@pytest.mark.parametrize(
    ("mean", "targets", "stands"),
    [
        (0.1, MIG, "not reached"),
        (0.3, MIG, "not reached"),
        (0.31, MIG, "good"),
        (0.5, MIG, "good"),
        (0.7, MIG, "excellent"),
        (49.9, FID, "good"),
        (50.0, FID, "not reached"),
        (math.nan, MIG, "not computed"),
        (None, FID, "not computed"),
    ],
)
def test_standing(mean, targets, stands):
    assert standing(mean, targets) == stands


def test_conditions_read_as_written_in_a_paper():
    assert [condition(target) for target in MIG + FID] == ["> 0.3 good", "> 0.5 excellent", "< 50 good"]
    assert condition({"name": "typical", "above": 1, "below": 2}) == "> 1 and < 2 typical"
