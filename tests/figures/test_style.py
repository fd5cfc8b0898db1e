"""Every figure: the same bytes twice, legible at print size, untouched by the user's own matplotlibrc."""

import io

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from multibeta.figures import _style
from multibeta.figures.correlations import correlations
from multibeta.figures.images import samples
from multibeta.figures.latents import latents
from multibeta.options import ReportOptions


def a_plot() -> Figure:
    return latents(np.array([[2.0, 0.1, 0.0]]), np.array([[0.9, 0.2, 0.001]]), [0])


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_equal_figures_give_equal_bytes(kind: str) -> None:
    assert _style.render(a_plot(), kind) == _style.render(a_plot(), kind)


def test_files_name_neither_date_nor_program() -> None:
    assert b"CreationDate" not in _style.render(a_plot(), "pdf")
    assert b"<dc:date>" not in _style.render(a_plot(), "svg")
    assert Image.open(io.BytesIO(_style.render(a_plot(), "png"))).info.keys() <= {"dpi"}


def test_pdf_fonts_are_those_that_publishers_accept() -> None:
    assert b"/Type3" not in _style.render(a_plot(), "pdf")


def test_the_users_settings_neither_show_nor_are_changed() -> None:
    plain = _style.render(a_plot(), "png")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "savefig.dpi": 20}):
        assert _style.render(a_plot(), "png") == plain
        assert mpl.rcParams["font.size"] == 30


def test_no_letter_is_smaller_than_seven_points() -> None:
    assert min(text.get_fontsize() for text in a_plot().findobj(Text) if text.get_text()) >= 7


def test_every_template_of_the_options_has_a_look_and_no_other() -> None:
    choice, _ = ReportOptions.model_fields["column"].annotation.__args__
    assert list(choice.__args__) == list(_style.LOOKS)


@pytest.mark.parametrize("look", _style.LOOKS.values(), ids=_style.LOOKS)
def test_a_template_has_its_width_and_letters_that_print(look: _style.Look) -> None:
    figure = correlations(np.eye(4), ["β-VAE ↑", "Fréchet ↓", "−1 ± σ", "SSIM"], "8×8, 95 %", look=look)
    pdf = _style.render(figure, "pdf")
    assert {"times": b"STIXGeneral-Regular", "computer modern": b"Cmr10"}[look.font] in pdf
    assert b"DejaVu" not in pdf  # which would mean that a letter is missing in the serifs
    assert b"/Type3" not in pdf
    assert figure.get_figwidth() <= look.width


def test_bold_letters_are_bold_in_every_font() -> None:
    @_style.styled
    def bold(look: _style.Look) -> Figure:
        figure = Figure(figsize=(look.width, 1), layout="constrained")
        figure.subplots()
        figure.suptitle("sprites", fontweight="bold")
        return figure

    for look, name in (("icml", b"STIXGeneral-Bold"), ("jmlr", b"Cmb10")):
        assert name in _style.render(bold(look=_style.LOOKS[look]), "pdf")


def test_a_figure_without_colour_is_stored_without_colour() -> None:
    grey, red = np.full((3, 1, 8, 8), 0.5, dtype=np.float32), np.zeros((3, 3, 8, 8), dtype=np.float32)
    red[:, 0] = 1
    modes = [Image.open(io.BytesIO(_style.render(samples(images), "png"))).mode for images in (grey, red)]
    assert modes == ["L", "RGB"]


def test_more_names_than_looks_begin_again() -> None:
    looks = _style.told_apart("seed", list("abcdefghi"))
    assert looks["palette"] == [*_style.COLOURS, *_style.COLOURS[:2]]
    assert looks["markers"][: len(_style.MARKERS)] == [*_style.MARKERS]


def test_as_many_variants_as_there_are_have_looks_of_their_own() -> None:
    looks = _style.told_apart("variant", [str(i) for i in range(20)])
    assert len(set(zip(looks["palette"], looks["markers"], strict=True))) == 20


def test_variants_are_told_apart_by_marker_as_well_as_by_colour() -> None:
    assert len(set(_style.COLOURS)) == len(set(_style.MARKERS)) == len(_style.COLOURS)
