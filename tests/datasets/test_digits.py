"""The digits are scikit-learn's, with 16 grey levels spread over 0 … 255."""

import numpy as np
from sklearn.datasets import load_digits

from multibeta.datasets.digits import Digits


def test_grey_values_go_back_to_the_original():
    arrays = Digits().build({})
    original = load_digits()
    assert arrays.images.shape == (1797, 8, 8, 1)
    assert arrays.images.max() == 255
    assert np.array_equal(np.round(arrays.images[..., 0] * (16 / 255)), original.images)
    assert np.array_equal(arrays.labels, original.target)
