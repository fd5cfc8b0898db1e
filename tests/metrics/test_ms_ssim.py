"""MS-SSIM, against a product of scikit-image's terms."""

import numpy as np
import pytest

from multibeta.metrics import NotComputed
from multibeta.metrics.image.ms_ssim import MSSSIM, ms_ssim, scales
from multibeta.metrics.image.ssim import SSIM


def pair(shape, noise=0.2):
    draw = np.random.default_rng(0)
    images = draw.random(shape, dtype=np.float32)
    return images, (images + draw.normal(0, noise, shape).astype(np.float32)).clip(0, 1)


def by_scikit_image(x, y, weights):
    """Of one channel: the mean contrast-structure is SSIM's map divided by its luminance term."""
    from scipy.ndimage import gaussian_filter
    from skimage.metrics import structural_similarity

    value = 1.0
    for scale, weight in enumerate(weights):
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1}
        _, full = structural_similarity(x, y, full=True, **options)
        if scale < len(weights) - 1:
            ux, uy = (gaussian_filter(side, 1.5, truncate=3.5) for side in (x, y))
            full = full / ((2 * ux * uy + 1e-4) / (ux**2 + uy**2 + 1e-4))
        value *= max(full[5:-5, 5:-5].mean(), 0) ** weight
        x, y = (side.reshape(len(side) // 2, 2, -1, 2).mean((1, 3)) for side in (x, y))
    return value


@pytest.mark.parametrize(("shape", "weights"), [((64, 64), (0.0711, 0.4530, 0.4760)), ((32, 32), (0.1356, 0.8644))])
def test_equals_the_product_of_scikit_images_terms(shape, weights):
    images, others = pair((4, 3, *shape))
    published = np.array((0.0448, 0.2856, 0.3001)[: len(weights)])
    assert np.round(published / published.sum(), 4) == pytest.approx(weights, abs=1e-4)
    expected = [
        np.mean(
            [by_scikit_image(*map(np.float64, sides), published / published.sum()) for sides in zip(x, y, strict=True)]
        )
        for x, y in zip(images, others, strict=True)
    ]
    assert ms_ssim(images, others) == pytest.approx(np.array(expected), rel=1e-5)


@pytest.mark.parametrize(
    ("side", "count"), [(8, 0), (11, 1), (21, 1), (22, 2), (28, 2), (32, 2), (64, 3), (176, 5), (999, 5)]
)
def test_as_many_scales_as_fit(side, count):
    assert scales(side, side) == count


def test_the_number_of_scales_is_a_part():
    images, others = pair((2, 1, 28, 28))
    result = MSSSIM().measure(images=images, reconstructions=others)
    assert result.parts == {"scales": 2}
    assert 0 < result.value < 1
    assert MSSSIM().measure(images=images, reconstructions=images).value == pytest.approx(1)


def test_an_inverted_image_has_no_similarity_rather_than_a_complex_one():
    images, _ = pair((2, 1, 32, 32))
    assert SSIM().measure(images=images, reconstructions=1 - images).value < 0
    assert MSSSIM().measure(images=images, reconstructions=1 - images).value == 0


@pytest.mark.parametrize("side", [8, 11, 21])
def test_one_scale_is_not_enough(side):
    images, others = pair((2, 1, side, side))
    with pytest.raises(NotComputed, match="of the scales at which a window of 11×11 fits, 2 needed"):
        MSSSIM().measure(images=images, reconstructions=others)
