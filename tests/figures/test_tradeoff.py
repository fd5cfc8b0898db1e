"""Trade-off figures: seeds, means and intervals are where the tables say; an empty panel says why."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.legend import Legend
from matplotlib.text import Text

from multibeta.figures._style import COLOURS, LOOKS, PAGE, REPORT, Look, render
from multibeta.figures.tradeoff import rate_distortion, tradeoff

COLUMN = Look(3.25, None, "times")
VARIANTS = {"beta_vae": "β-VAE", "cvae": "CVAE"}


def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = [
        ("sprites", variant, beta, seed, "mig", float(beta) / 10 + seed / 100)
        for variant in VARIANTS
        for beta in ("0.5", "4", "1")
        for seed in range(3)
    ]
    points = pd.DataFrame(rows, columns=["dataset", "variant", "beta", "seed", "panel", "value"])
    means = (
        points.groupby(["dataset", "variant", "beta", "panel"], sort=False).value.mean().rename("mean").reset_index()
    )
    return points, means.assign(ci_low=means["mean"] - 0.02, ci_high=means["mean"] + 0.02)


def test_panels_show_seeds_means_and_intervals_on_a_log_axis() -> None:
    figure = tradeoff(*tables(), {"mig": "MIG ↑"}, VARIANTS, {("sprites", "mig"): ""})
    (axes,) = figure.axes
    assert figure.get_figwidth() == PAGE
    assert axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.5", "1", "4"]
    seeds, mean, bars = axes.collections[0], axes.lines[0], axes.containers[0][2][0]
    assert len(seeds.get_offsets()) == 18
    assert np.round(mean.get_ydata().astype(float), 6).tolist() == [0.06, 0.11, 0.41]  # joined in the order of β
    assert np.round([segment[1, 1] - segment[0, 1] for segment in bars.get_segments()], 6).tolist() == [0.04] * 3
    assert [line.get_color() for line in axes.lines if line.get_linestyle() == "-"] == list(COLOURS[:2])


def test_all_panels_of_a_dataset_have_its_strengths_below_them() -> None:
    points, means = tables()
    # One measure at a single strength.
    points, means = (
        pd.concat([table, table[table.beta == "1"].assign(panel="sap")], ignore_index=True) for table in (points, means)
    )
    panels = {"mig": "MIG ↑", "sap": "SAP ↑"}
    figure = tradeoff(points, means, panels, VARIANTS, {("sprites", panel): "" for panel in panels})
    full, single = figure.axes
    assert full.get_xlim() == single.get_xlim()
    assert [label.get_text() for label in single.get_xticklabels()] == ["0.5", "1", "4"]
    seen = [line.get_xdata()[0] for line in single.lines if line.get_linestyle() == "-"]
    assert max(seen) / min(seen) < 1.2  # two variants at one strength, not two strengths


@pytest.mark.parametrize("grid", [["1"], ["1", "2"], ["0.01", "100"]], ids=len)
def test_a_strength_stands_away_from_the_ends_of_its_axis(grid) -> None:
    points, means = (pd.concat([table[table.beta == "1"].assign(beta=beta) for beta in grid]) for table in tables())
    (axes,) = tradeoff(points, means, {"mig": "MIG ↑"}, VARIANTS, {("sprites", "mig"): ""}).axes
    left, right = axes.get_xlim()
    assert float(grid[0]) / left >= 1.5
    assert right / float(grid[-1]) >= 1.5
    for line in axes.lines:
        assert left < min(line.get_xdata()) <= max(line.get_xdata()) < right


GRIDS = [
    *(np.geomspace(0.1, 100, count) for count in (5, 10, 20)),
    np.linspace(1, 16, 16),
    [1, 4, 4.5, 5, 100],
    [0.001, 0.25, 0.5, 0.75, 1, 1.25, 1.5],
    [4, 6, 10],
]


@pytest.mark.parametrize("strengths", GRIDS, ids=lambda grid: f"{len(grid)} from {grid[0]:g} to {grid[-1]:g}")
def test_labels_of_a_dense_grid_do_not_touch(strengths) -> None:
    points, means = tables()
    grid = [f"{beta:.3g}" for beta in strengths]
    points, means = (
        pd.concat([table[table.beta == "1"].assign(beta=beta) for beta in grid]) for table in (points, means)
    )
    panels = {f"panel{i}": "MIG ↑" for i in range(5)}
    points, means = (pd.concat([table.assign(panel=panel) for panel in panels]) for table in (points, means))
    figure = tradeoff(points, means, panels, VARIANTS, {("sprites", panel): "" for panel in panels})
    render(figure, "png")
    labels = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert len(labels) >= 2
    assert all(one.x1 < other.x0 for one, other in pairwise(labels))


def test_a_dense_grid_has_bands_and_no_seeds() -> None:
    points, means = tables()
    grid = [str(2.0**k) for k in range(13)]
    points, means = (
        pd.concat([table[table.beta == "1"].assign(beta=beta) for beta in grid]) for table in (points, means)
    )
    # The reference has no interval of its own: a column of numbers and of none.
    lacking = means.ci_low.astype(object).where(means.beta != "1", None)
    figure = tradeoff(points, means.assign(ci_low=lacking), {"mig": "MIG ↑"}, VARIANTS, {("sprites", "mig"): ""})
    (axes,) = figure.axes
    assert len(axes.collections) == len(VARIANTS)
    low, high = axes.collections[0].get_datalim(axes.transData).intervaly
    assert (low, high) == pytest.approx((0.09, 0.13))
    assert [len(line.get_xdata()) for line in axes.lines if line.get_linestyle() == "-"] == [13, 13]
    assert any("line and band" in text.get_text() for text in figure.legends[0].get_texts())


def test_of_a_long_path_some_strengths_are_labelled_the_first_and_the_last_among_them() -> None:
    points = pd.DataFrame(
        [("sprites", "beta_vae", str(beta), 20 / beta, 30 + beta) for beta in range(1, 21)],
        columns=["dataset", "variant", "beta", "kl", "reconstruction"],
    )
    figure = rate_distortion(points, points, VARIANTS, ["sprites"])
    assert [text.get_text() for text in figure.axes[0].texts] == ["1", "4", "7", "10", "13", "16", "20"]


def test_a_panel_without_numbers_says_why() -> None:
    reasons = {("sprites", "mig"): "", ("digits", "mig"): "not computed: no factors"}
    figure = tradeoff(*tables(), {"mig": "MIG ↑"}, VARIANTS, reasons)
    said = " ".join(text.get_text() for text in figure.axes[1].texts).replace("\n", " ")
    assert "not computed: no factors" in said
    assert [axes.get_xlabel() for axes in figure.axes] == ["β", ""]


@pytest.mark.parametrize("look", [REPORT, COLUMN], ids=["page", "column"])
def test_a_long_reason_leaves_room_around_it(look: Look) -> None:
    points, means = tables()
    panels = {f"panel{i}": "MIG ↑" for i in range(5)}
    reasons = {("sprites", panel): f"not computed: {'a reason of many words, ' * 9}" for panel in panels}
    figure = tradeoff(points, means, panels, VARIANTS, reasons, look=look)
    render(figure, "png")
    for axes in figure.axes[:5]:
        (said,) = axes.texts
        box, panel = said.get_window_extent(), axes.get_window_extent()
        assert box.width < 0.95 * panel.width
        assert box.height < 0.95 * panel.height
        assert said.get_text().endswith("…")


def test_a_study_without_any_number_still_has_its_figure() -> None:
    points, means = tables()
    figure = tradeoff(points[:0], means[:0], {"mig": "MIG"}, VARIANTS, {("sprites", "mig"): "not measured"})
    assert render(figure, "png")


def test_one_seed_has_no_interval_and_a_wide_interval_does_not_shrink_the_panel() -> None:
    points, means = tables()
    single = means.assign(ci_low=np.nan, ci_high=np.nan)
    wide = means.assign(ci_low=-50.0, ci_high=50.0)
    for table in (single, wide):
        (axes,) = tradeoff(points, table, {"mig": "MIG"}, VARIANTS, {("sprites", "mig"): ""}).axes
        low, high = axes.get_ylim()
        assert -0.3 < low < 0.05
        assert 0.41 < high < 0.8


def test_rate_distortion_labels_every_strength() -> None:
    points = pd.DataFrame(
        [
            ("sprites", "beta_vae", beta, seed, 20 / float(beta), 30 + float(beta))
            for beta in "124"
            for seed in range(2)
        ],
        columns=["dataset", "variant", "beta", "seed", "kl", "reconstruction"],
    )
    means = points.groupby(["dataset", "variant", "beta"], sort=False)[["kl", "reconstruction"]].mean().reset_index()
    figure = rate_distortion(points, means, VARIANTS, ["sprites", "digits"])
    assert [text.get_text() for text in figure.axes[0].texts] == ["1", "2", "4"]
    assert figure.axes[0].get_ylabel().split() == ["distortion:", "reconstruction", "(nats", "per", "image)"]
    assert "no finished run" in figure.axes[1].texts[0].get_text()


def test_a_single_panel_is_not_drawn_out_over_the_page() -> None:
    (axes,) = tradeoff(*tables(), {"mig": "MIG ↑"}, VARIANTS, {("sprites", "mig"): ""}).axes
    assert 0.2 < axes.get_position().width < 0.35


NARROWEST = LOOKS["acl"].narrow()
PLACES = [(1, REPORT), (2, REPORT), (5, REPORT), (2, LOOKS["ieee"]), (2, LOOKS["neurips"]), (2, LOOKS["lncs"])]


@pytest.mark.parametrize(("count", "look"), [*PLACES, (1, NARROWEST), (3, NARROWEST)])
def test_any_number_of_datasets_fits_the_page(count: int, look: Look) -> None:
    points, means = tables()
    names = [f"dataset{i}" for i in range(count)]
    points = pd.concat([points.assign(dataset=name) for name in names])
    means = pd.concat([means.assign(dataset=name) for name in names])
    panels = {"mig": "MIG", "kl": "KL", "ssim": "SSIM", "fd": "Fréchet distance,\ndomain features ↓", "sap": "SAP"}
    reasons = {(name, panel): "not computed" for name in names for panel in panels}
    figure = tradeoff(points, means, panels, VARIANTS, reasons, look=look)
    assert figure.get_figwidth() == look.width
    render(figure, "png")
    for text in figure.findobj(Text):
        if text.get_text() and text.get_visible():
            box = text.get_window_extent()
            assert box.x0 >= -1, text.get_text()
            assert box.x1 <= figure.bbox.x1 + 1, text.get_text()


def test_where_a_row_is_too_narrow_a_dataset_has_several() -> None:
    panels = {name: name.upper() for name in ("mig", "kl", "ssim", "fd", "sap")}
    points, means = tables()
    points, means = (pd.concat([table.assign(panel=name) for name in panels]) for table in (points, means))
    figure = tradeoff(
        points, means, panels, VARIANTS, dict.fromkeys([("sprites", name) for name in panels], ""), look=COLUMN
    )
    assert [axes.get_title() for axes in figure.axes] == ["MIG", "KL", "SSIM", "FD", "SAP"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["β"] * 5
    assert len({round(axes.get_position().x0, 3) for axes in figure.axes}) == 2


def test_rate_and_distortion_of_one_dataset_take_a_column() -> None:
    points, means = (table.assign(kl=1.0, reconstruction=2.0) for table in tables())
    (axes,) = rate_distortion(points, means, VARIANTS, ["sprites"], look=COLUMN).axes
    assert axes.figure.get_figwidth() == COLUMN.width


def test_a_panel_without_a_dataset_is_left_out() -> None:
    points, means = (table.assign(kl=1.0, reconstruction=2.0) for table in tables())
    used, spare = rate_distortion(points, means, VARIANTS, ["sprites"]).axes
    assert used.axison
    assert not spare.axison


def test_the_legend_of_many_variants_stays_on_the_page() -> None:
    many = {f"variant{i}": f"a variant of a long name, {i}" for i in range(12)}
    points, means = (
        pd.concat([table[table.variant == "cvae"].assign(variant=name) for name in many]) for table in tables()
    )
    figure = tradeoff(points, means, {"mig": "MIG ↑"}, many, {("sprites", "mig"): ""})
    render(figure, "png")
    legends = figure.findobj(Legend)
    for legend in legends:
        extent = legend.get_window_extent()
        assert 0 <= extent.x0 < extent.x1 <= figure.bbox.width
    assert sorted(
        text.get_text() for legend in legends for text in legend.get_texts() if "name" in text.get_text()
    ) == (sorted(many.values()))


def test_many_variants_are_drawn_in_bands_of_one_letter() -> None:
    letters = {f"variant{i}": "βββββββγ"[i] for i in range(8)}
    points, means = (
        pd.concat([table[table.variant == "cvae"].assign(variant=name) for name in letters]) for table in tables()
    )
    figure = tradeoff(
        points, means, {"mig": "MIG ↑"}, {name: name for name in letters}, {("sprites", "mig"): ""}, letters
    )
    assert [axes.get_xlabel() for axes in figure.axes] == ["β", "β", "γ"]
    assert [len(axes.containers) for axes in figure.axes] == [4, 3, 1]


def test_of_many_variants_each_has_its_rate_and_distortion_before_all_others() -> None:
    names = [f"variant{i}" for i in range(6)]
    points = pd.DataFrame(
        [("sprites", name, beta, 20 / float(beta), 30 + float(beta)) for name in names for beta in "12"],
        columns=["dataset", "variant", "beta", "kl", "reconstruction"],
    )
    figure = rate_distortion(points, points, {name: name for name in names}, ["sprites", "digits"])
    drawn = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in drawn] == names
    for axes in drawn:
        others, own = axes.collections
        assert (len(others.get_offsets()), len(own.get_offsets())) == (12, 2)
        assert [text.get_text() for text in axes.texts] == ["1", "2"]
    assert any("no finished run" in text.get_text() for axes in figure.axes for text in axes.texts)
