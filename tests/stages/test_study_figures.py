"""Which figures a study has, and which panels these have: what is not asked for takes no room."""

from dataclasses import replace

import pytest
from made_findings import findings

from multibeta.figures._style import REPORT, render
from multibeta.metrics import all_scores
from multibeta.report.differences import differences
from multibeta.report.findings import PANELS, Findings
from multibeta.report.overview import tradeoffs
from multibeta.stages.shared.gather import measures_of
from multibeta.stages.shared.panels import Panels, draw_tradeoff
from multibeta.stages.shared.study_figures import draw_study


def study(*metrics: str, asked: tuple[str, ...] = ()) -> Findings:
    """A study that measures these, each of which rises a little, and asks for others that could not be computed."""
    made = findings(lambda variant, beta, seed: dict.fromkeys(metrics, beta / 50 - seed / 500), strengths=("1", "4"))
    names = [*metrics, *asked]
    return replace(made, asked=names, measures=measures_of(names))


def figures(made, tmp_path):
    draw_study(made, tmp_path / "figures", REPORT)
    return {path.stem for path in (tmp_path / "figures").glob("*.png")} - {"correlations_sprites"}


@pytest.mark.parametrize(
    ("metrics", "drawn"),
    [
        (("reconstruction", "kl", "mig"), {"tradeoff", "rate_distortion", "rate", "differences"}),
        (("mig", "kl"), {"tradeoff", "differences"}),
        (("mig", "sap"), {"tradeoff", "disentanglement", "differences"}),
        (("controllability",), {"disentanglement", "differences"}),
        (("lpips",), set()),
    ],
    ids=lambda value: " ".join(sorted(value)),
)
def test_a_figure_is_drawn_where_it_shows_what_no_other_does(metrics, drawn, tmp_path):
    made = study(*metrics)
    assert figures(made, tmp_path) == drawn
    text = tradeoffs(made) + differences(made)
    assert {name for name in ("tradeoff", "disentanglement", "rate_distortion", "differences") if name in text} == (
        drawn - {"rate"}
    )


def test_the_first_figure_is_explained_and_the_next_says_what_it_has():
    assert tradeoffs(study("mig", "sap")).count("log axis") == 1
    assert "The same for MIG, SAP." in tradeoffs(study("mig", "sap"))
    assert "Controllability against β on a log axis" in tradeoffs(study("controllability"))
    assert tradeoffs(study("lpips")) == ""


def test_what_is_asked_for_and_not_computed_keeps_its_panel_and_its_title():
    panels = Panels.of(study("mig", "kl", asked=("fd_domain",)), "tradeoff")
    assert list(panels.titles) == ["kl", "mig", "fd_domain"]
    assert panels.titles["fd_domain"].replace("\n", " ").startswith(all_scores()["fd_domain"].title)


@pytest.mark.parametrize("name", PANELS)
def test_titles_are_hardly_wider_than_their_panels(name):
    made = findings(
        # As wide as ticks may be.
        lambda variant, beta, seed: dict.fromkeys(PANELS[name], -0.015 * beta - seed / 500),
        strengths=("1", "4"),
    )
    made = replace(made, measures=measures_of(list(PANELS[name])))
    figure = draw_tradeoff(made, Panels.of(made, name))
    render(figure, "png")
    assert len(figure.axes) == 5
    for axes in figure.axes:
        assert axes.title.get_window_extent().width < 1.25 * axes.get_window_extent().width
