"""A folder of one's own images through the whole pipeline: prepared, trained, measured, reported."""

import shutil

import pytest
from own_files import write_folder
from PIL import Image

from multibeta.files import read_json, read_table

pytestmark = pytest.mark.slow


def entry(path):
    options = {"path": path, "attributes": f"{path}.csv", "size": 12, "colour": "grey", "most_corrupt": 0.05}
    return {"squares": {"dataset": "image_folder", "options": options}}


@pytest.fixture(scope="module")
def work(place, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MULTIBETA_CACHE", str(tmp_path_factory.mktemp("cache")))
        work = place(tmp_path_factory.mktemp("own") / "work")
        write_folder(work.path / "squares", copies=30)
        (work.path / "squares" / "7-3.png").write_bytes(b"")
        metrics = {
            "evaluation": {"codes": 230, "held_out": 20, "samples": 10, "metrics": ["mig", "kl", "reconstruction"]}
        }
        work.configure(datasets=entry("squares"), variants=["cvae"], strengths=[1], seeds=1, **metrics)
        work.configured = metrics
        work.study()
        yield work


def test_the_report_tells_of_the_images_and_of_what_was_left_out(work):
    report = (work.path / "results/tiny/report.md").read_text(encoding="utf-8")
    assert "**squares** – A folder of images: squares: 239 images of 12×12×1, 24 held out from training" in report
    assert "factors place 4, bright 2; 2 classes" in report
    assert "licence: not stated" in report
    assert "1 left out, named in left_out.csv" in report
    (card,) = work.path.glob("results/.data/*/card.json")
    assert read_json(card)["left_out"] == {"count": 1, "first": {"7-3.png": "is empty"}}


def test_its_attributes_are_what_disentanglement_is_measured_by(work):
    metrics = read_table(work.path / "results/tiny/metrics.csv")
    assert set(metrics[(metrics.metric == "mig") & (metrics.factor != "")].factor) == {"place", "bright"}
    assert set(metrics.status) == {"done"}


def test_a_copy_is_only_reported_and_a_changed_image_is_trained(work):
    assert work.jobs() == {}
    shutil.copytree(work.path / "squares", work.path / "copy")
    shutil.copy(work.path / "squares.csv", work.path / "copy.csv")
    changes = {"variants": ["cvae"], "strengths": [1], "seeds": 1, **work.configured}
    work.configure(datasets=entry("copy"), **changes)
    assert work.jobs() == {"report_study": 1}
    Image.new("L", (12, 12), 99).save(work.path / "copy" / "0-0.png")
    assert work.jobs()["train"] == 1
    work.configure(datasets=entry("squares"), **changes)
    assert work.jobs() == {}
