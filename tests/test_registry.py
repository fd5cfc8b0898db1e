"""A plug-in is one file, found by its name."""

import pytest

from multibeta import registry

VARIANT = '''
from multibeta.variants import Variant

class Mine(Variant):
    """Mine."""
    title = "mine"
    source = "me"

    def loss(self, forward, strength):
        return {"kl": (strength, forward.kl)}
'''


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    monkeypatch.setattr(registry, "_outside", {})


def write(folder, name, text):
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("kind", registry.FOLDERS)
def test_every_plug_in_of_the_package_is_found_by_its_files_name(kind):
    found = registry.names(kind)
    assert found == sorted(found)
    for name in found:
        assert registry.find(kind, name).name == name


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(registry.PlugInError, match="unknown variant 'beta_vea'; did you mean 'beta_vae'"):
        registry.find("variant", "beta_vea")


def test_a_name_like_no_other_lists_all():
    with pytest.raises(registry.PlugInError, match=r"choose from .*beta_vae"):
        registry.find("variant", "xxxxxxxx")


def test_a_file_from_outside_becomes_a_plug_in_and_its_content_part_of_its_identity(tmp_path):
    path = write(tmp_path, "mine.py", VARIANT)
    registry.load_file(path)
    first = registry.find("variant", "mine").identity()
    assert "mine" in registry.names("variant")
    write(tmp_path, "mine.py", VARIANT + "\n# changed")
    registry.load_file(path)
    assert registry.find("variant", "mine").identity() != first


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("broken.py", "1 / 0", "broken.py' fails: ZeroDivisionError"),
        ("empty.py", "", "empty.py' defines no dataset, variant"),
        ("beta_vae.py", VARIANT, "the variant 'beta_vae' exists already"),
    ],
)
def test_a_bad_plug_in_file_is_one_line(tmp_path, name, text, message):
    with pytest.raises(registry.PlugInError) as error:
        registry.load_file(write(tmp_path, name, text))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named():
    with pytest.raises(registry.PlugInError, match=r"'nowhere.py' does not exist"):
        registry.load_file("nowhere.py")
