"""The page without a browser: no panel raises an exception, be the study whole or in any bad state."""

import shutil
import sys
from pathlib import Path

import pytest

pytest.importorskip("streamlit")

from streamlit.testing.v1 import AppTest

import multibeta.explorer
from multibeta.explorer.panels import cached
from multibeta.explorer.panels.page import PANELS

#: A control that only this panel has.
OWN = {
    "Sliders": "start_kind",
    "Interpolation": "steps",
    "Samples": "draw",
    "Codes": "across0",
    "Trade-off": "figure",
    "Training curves": "terms0",
    "Train one": "wish_name",
}
APP = str(Path(multibeta.explorer.__file__).with_name("app.py"))


@pytest.fixture
def visit(monkeypatch):
    """The page of a study, as it is after a visit with these query parameters; without an exception."""
    cached.shelf.clear()

    def page(folder, **query):
        monkeypatch.setattr(sys, "argv", ["app.py", str(folder)])
        test = AppTest.from_file(APP, default_timeout=60)
        for name, value in query.items():
            test.query_params[name] = value
        test.run()
        assert not test.exception, test.exception
        return test

    return page


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("beside", ["false", "true"])
def test_every_panel_of_a_finished_study(finished, visit, panel, beside):
    page = visit(finished, panel=panel, beside=beside)
    assert not page.error
    kinds = (page.selectbox, page.button_group, page.number_input, page.slider, page.text_input)
    assert {control.key for controls in kinds for control in controls} & set(OWN.values()) == {OWN[panel]}
    assert page.sidebar.selectbox(key="dataset").value == "sprites"
    assert [found.value for found in page.sidebar.title] == ["tiny"]


def test_the_second_model_is_the_same_variant_at_strength_1(finished, visit):
    page = visit(finished, beside="true")
    assert page.sidebar.selectbox(key="second_variant").value == "beta_vae"
    assert page.sidebar.selectbox(key="second_strength").value == "1"


def test_only_models_of_the_same_images_stand_beside_each_other(finished, visit):
    page = visit(finished, dataset="digits", beside="true")
    assert page.sidebar.selectbox(key="second_variant").options == ["β-VAE", "CVAE"]
    assert page.sidebar.selectbox(key="second_strength").options == ["0.1", "1"]


def test_a_query_that_names_nothing_is_passed_over(finished, visit):
    page = visit(finished, dataset="no such", panel="no such", strength="-1")
    assert page.sidebar.selectbox(key="dataset").value == "sprites"


@pytest.mark.parametrize("panel", PANELS)
def test_beside_a_damaged_cell_the_rest_works(study, visit, panel):
    models = study / "cells/sprites/beta_vae/beta~0.1/models.safetensors"
    models.write_bytes(models.read_bytes()[:1000])
    page = visit(study, panel=panel)
    said = [caption.value.replace("\\", "") for caption in page.sidebar.caption]
    assert any(text.startswith("sprites · beta_vae · 0.1: models.safetensors: damaged") for text in said)
    assert page.sidebar.selectbox(key="strength").options == ["1"]
    assert not page.error


@pytest.mark.parametrize(
    ("name", "panel", "message"),
    [
        ("history.csv", "Training curves", "history.csv: damaged"),
        ("metrics.csv", "Trade-off", "metrics.csv: damaged"),
    ],
)
def test_a_damaged_table_is_a_line_where_it_is_needed(study, visit, name, panel, message):
    (study / "cells/sprites/beta_vae/beta~0.1" / name).write_text("a\n1,2\n3,4,5\n")
    page = visit(study, panel=panel)
    (said,) = [*page.error, *page.warning]
    assert message in said.value.replace("\\", "")
    assert not visit(study, panel="Sliders").error


@pytest.mark.parametrize("panel", PANELS)
def test_half_a_sweep(study, visit, panel):
    for cell in study.glob("cells/digits/*/*"):
        for file in cell.iterdir():
            if file.name != "spec.json":
                file.unlink()
    for file in ("metrics.csv", "codes.npz"):
        (study / "cells/sprites/beta_vae/beta~0.1" / file).unlink()
    page = visit(study, panel=panel)
    assert any(caption.value == "3 of 5 cells are not trained yet." for caption in page.sidebar.caption)
    assert not page.error


def test_before_the_first_run_has_ended(study, visit):
    for file in study.glob("cells/*/*/*/*"):
        if file.name != "spec.json":
            file.unlink()
    page = visit(study)
    assert page.info[0].value == "No run of this study can be opened yet. You can train a small one here."


@pytest.mark.parametrize("panel", PANELS)
def test_without_the_images(study, visit, panel):
    shutil.rmtree(study.parent / ".data")
    page = visit(study, panel=panel)
    assert all("are not prepared" in error.value for error in page.error)


def test_a_folder_that_is_gone_is_a_line(study, visit):
    shutil.rmtree(study)
    (error,) = visit(study).error
    assert "there is no such folder" in error.value


def test_a_collapsed_model_says_so_and_shows_all_its_latents(study, visit):
    import numpy as np

    path = study / "cells/sprites/beta_vae/beta~0.1/codes.npz"
    shutil.rmtree(study.parent / ".data")  # or the codes would be seen not to be the model's
    arrays = dict(np.load(path))
    path.unlink()
    np.savez(path, **{name: array * 0 if "held_out_" in name else array for name, array in arrays.items()})
    page = visit(study)
    assert any("uses none of its latents" in info.value for info in page.info)


def test_a_name_that_leads_elsewhere_is_refused(finished, visit):
    page = visit(finished, panel="Train one")
    page.text_input(key="wish_name").set_value("../../elsewhere")
    page.button[0].click().run()
    assert page.error[0].value.replace("\\", "") == "the name must be made of letters, digits, - and _"
    assert not page.exception


def test_a_name_from_a_file_is_shown_as_it_is(study, visit):
    """Markdown could make the browser fetch a picture from elsewhere."""
    name = "![x](http://elsewhere/x.png)"
    for path in study.glob("cells/sprites/beta_vae/*/spec.json"):
        path.write_text(path.read_text().replace('"name": "sprites"', f'"name": "{name}"'))
    page = visit(study, panel="Training curves")
    said = [text.value for kind in (page.markdown, page.caption) for text in kind if "elsewhere" in text.value]
    assert said
    assert all(r"\!\[x\]\(http\://" in text for text in said)
