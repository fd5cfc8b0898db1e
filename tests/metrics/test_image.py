"""Reconstruction errors, against hand-made images and scikit-image."""

import numpy as np
import pytest

from multibeta.metrics import NotComputed
from multibeta.metrics.image.mse import MSE
from multibeta.metrics.image.psnr import PSNR
from multibeta.metrics.image.ssim import SSIM, ssim


def pair(shape, seed=0):
    draw = np.random.default_rng(seed)
    images = draw.random(shape, dtype=np.float32)
    noisy = images + draw.normal(0, 0.2, shape).astype(np.float32)
    return {"images": images, "reconstructions": noisy.clip(0, 1)}


def constant(*values):
    """One image of 12×12 pixels of each value."""
    return np.broadcast_to(np.array(values, dtype=np.float32)[:, None, None, None], (len(values), 1, 12, 12))


def test_mse_of_known_errors():
    assert MSE().measure(images=constant(0, 0), reconstructions=constant(0.5, 0)).value == 0.125


def test_psnr_is_the_mean_over_images_not_that_of_the_mean_error():
    result = PSNR().measure(images=constant(0, 0), reconstructions=constant(0.1, 0.01))
    assert result.value == pytest.approx((20 + 40) / 2, abs=1e-5)


def test_psnr_of_identical_images_is_finite():
    assert PSNR().measure(images=constant(0.3), reconstructions=constant(0.3)).value == pytest.approx(100)


@pytest.mark.parametrize("shape", [(5, 1, 32, 32), (3, 3, 64, 48), (300, 1, 11, 11)])
def test_ssim_equals_scikit_image(shape):
    from skimage.metrics import structural_similarity

    images, reconstructions = pair(shape).values()
    expected = [
        structural_similarity(
            *(side.astype(np.float64) for side in sides),
            channel_axis=0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=1,
        )
        for sides in zip(images, reconstructions, strict=True)
    ]
    assert ssim(images, reconstructions) == pytest.approx(np.array(expected), abs=1e-9)
    assert SSIM().measure(images=images, reconstructions=reconstructions).value == pytest.approx(np.mean(expected))


def test_ssim_of_identical_images_is_one():
    images = pair((4, 1, 28, 28))["images"]
    assert SSIM().measure(images=images, reconstructions=images).value == pytest.approx(1, abs=1e-12)


def test_ssim_of_constant_images_is_their_luminance_term():
    value = SSIM().measure(images=constant(0.2), reconstructions=constant(0.8)).value
    assert value == pytest.approx((2 * 0.2 * 0.8 + 1e-4) / (0.2**2 + 0.8**2 + 1e-4), rel=1e-6)


def test_ssim_of_images_smaller_than_its_window():
    with pytest.raises(NotComputed, match="images of 8×8 are smaller than SSIM's 11×11 window"):
        SSIM().measure(**pair((2, 1, 8, 8)))


@pytest.mark.parametrize("metric", [MSE, PSNR, SSIM])
def test_images_and_reconstructions_must_match(metric):
    with pytest.raises(ValueError, match="reconstructions"):
        metric().measure(images=constant(0, 0), reconstructions=constant(0))
