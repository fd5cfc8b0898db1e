"""What tests of datasets share: files of one's own for plug-ins that cannot do without, and a cache of the tests."""

import numpy as np
import pytest
from own_files import grid_arrays, write_folder


@pytest.fixture(scope="module")
def own_options(tmp_path_factory):
    """The options by plug-in of those that cannot do without."""
    place = tmp_path_factory.mktemp("own")
    table = write_folder(place / "squares")
    np.savez(place / "squares.npz", **grid_arrays(copies=5))
    return {
        "image_folder": {"path": str(place / "squares"), "attributes": str(table), "size": 12, "colour": "grey"},
        "arrays": {"path": str(place / "squares.npz")},
    }


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory):
    """Nothing is kept among the user's own files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MULTIBETA_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
