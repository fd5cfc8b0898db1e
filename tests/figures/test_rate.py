"""The figure of the rate axis: cells where the table says, rings around those of the front, bars over slopes."""

import pandas as pd

from multibeta.figures._style import PAGE, render
from multibeta.figures.rate import rate_axis

VARIANTS = {"beta_vae": "β-VAE", "cvae": "CVAE"}
MEANS = pd.DataFrame(
    [
        ("sprites", variant, beta, 20 / float(beta), 10 * float(beta), 0.1 * float(beta), beta == "4")
        for variant in VARIANTS
        for beta in ("4", "0.5", "1")
    ],
    columns=["dataset", "variant", "beta", "kl", "reconstruction", "score", "front"],
)
SLOPES = pd.DataFrame(
    [("sprites", "beta_vae", "0.5", "1", 0.7, 0.6, 0.8), ("sprites", "beta_vae", "1", "4", None, None, None)],
    columns=["dataset", "variant", "beta", "next_beta", "slope", "low", "high"],
)


def test_scores_stand_against_cost_and_rate():
    figure = rate_axis(MEANS, SLOPES, "MIG", VARIANTS, ["sprites"])
    cost, by_rate, effective = figure.axes
    assert figure.get_figwidth() == PAGE
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "reconstruction (nats per image)",
        "rate: KL (nats per image)",
        "β of the objective",
    ]
    line, rings = by_rate.lines[:2]
    assert line.get_xdata().tolist() == [40.0, 20.0, 5.0]  # joined in the order of β
    assert rings.get_xdata().tolist() == [5.0]
    assert {text.get_text() for text in cost.texts} == {"0.5", "1", "4"}
    assert effective.lines[0].get_ydata().tolist() == [0.7]
    assert "0.5" in [label.get_text() for label in effective.get_xticklabels()]


def test_ticks_of_numbers_that_are_almost_equal_are_written_whole():
    # What is left out of the ticks stands at the end of the axis, over its label.
    close = MEANS.assign(reconstruction=27.54 + MEANS.kl / 1e5, score=0.5 + MEANS.score / 1e6)
    figure = rate_axis(close, SLOPES, "MIG", VARIANTS, ["sprites"])
    assert render(figure, "png")
    assert [axis.get_offset_text().get_text() for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)] == [""] * 6


def test_a_dataset_without_numbers_says_so():
    figure = rate_axis(MEANS, SLOPES[:0], "MIG", VARIANTS, ["sprites", "digits"])
    said = [text.get_text().replace("\n", " ") for axes in figure.axes for text in axes.texts]
    assert said.count("not measured") == 2
    assert sum("rates told apart" in text for text in said) == 2
    assert render(figure, "png")


def test_many_variants_are_drawn_in_bands():
    many = {f"v{i}": f"variant {i}" for i in range(8)}
    means = pd.concat([MEANS[MEANS.variant == "cvae"].assign(variant=name) for name in many])
    figure = rate_axis(means, SLOPES[:0], "MIG", many, ["sprites"])
    assert len(figure.axes) == 6
