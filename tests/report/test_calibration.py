"""What the report says of the networks that metrics rest on."""

from types import SimpleNamespace

from multibeta.metrics._calibration import Calibration
from multibeta.metrics._features import DomainFeatures, Pretrained
from multibeta.report.appendix import calibration
from multibeta.stages.shared.gather import calibration_of


def printed(features, tmp_path):
    """Written by the stage's own means, gathered, and printed."""
    features.save(tmp_path / "features.safetensors")
    found = calibration_of(tmp_path / "features.safetensors")
    return calibration(SimpleNamespace(datasets=["toy"], calibrations={"toy": found}))


def test_every_network_has_its_ladders_or_says_why_it_is_not_used(tmp_path):
    rungs = {"blur": {"1": 0.25}, "noise": {"0.1": 0.5}}
    good = Calibration(floor=0.125, ladders=rungs)
    text = printed(
        DomainFeatures(
            **vars(good),
            accuracy={"shape": 0.98},
            pretrained={"inception": Pretrained("Inception weights absent"), "alexnet": Pretrained(ladders=rungs)},
        ),
        tmp_path,
    )
    domain, _, rest = text.partition("**Inception features (FID and its kin)**")
    inception, _, lpips = rest.partition("**LPIPS**")
    assert "98.0 %" in domain
    assert "0.125" in domain
    assert "**Not used**: Inception weights absent." in inception
    assert "**Monotone** on both ladders" in lpips
    assert "(floor)" not in lpips


def test_a_file_without_them_prints_the_domain_features_alone(tmp_path):
    text = printed(DomainFeatures(floor=0.1, ladders={"blur": {"1": 0.25}}), tmp_path)
    assert "LPIPS**" not in text
    assert "**Inception" not in text
