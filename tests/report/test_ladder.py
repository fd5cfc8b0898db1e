"""Ladders in the report: which runs they show, and what is said of them."""

from dataclasses import replace

import pytest
from made_findings import findings

from multibeta.report.findings import CellKey, Ladder
from multibeta.report.ladder import MOST_RUNS, chosen, ladders

STRENGTHS = ("8", "1", "0.5", "10", "2", "4", "6")


def cells(variants=1, strengths=STRENGTHS):
    return [CellKey("sprites", f"v{i}", beta, (0, 1, 2)) for i in range(variants) for beta in strengths]


def shown(given, most=MOST_RUNS, seeds=(0, 1, 2)):
    finished = {cell.place: list(seeds) for cell in given}
    return [(cell.variant, cell.beta, seed) for cell, seed in chosen(given, finished, most)]


def test_all_runs_are_shown_if_there_is_room_from_a_small_strength_to_a_large_one():
    rows = shown(cells())
    assert len(rows) == 21
    assert [beta for _, beta, seed in rows if seed == 0] == ["0.5", "1", "2", "4", "6", "8", "10"]
    assert [seed for _, beta, seed in rows if beta == "2"] == [0, 1, 2]


def test_as_many_whole_seeds_as_there_is_room_for():
    rows = shown(cells(), most=15)
    assert {seed for _, _, seed in rows} == {0, 1}
    assert len(rows) == 14


def test_strengths_are_thinned_out_evenly_and_keep_the_ends():
    rows = shown(cells(), most=4)
    assert [beta for _, beta, _ in rows] == ["0.5", "2", "6", "10"]


def test_every_variant_has_the_same_share():
    rows = shown(cells(variants=3), most=10)
    assert [variant for variant, _, _ in rows] == ["v0"] * 3 + ["v1"] * 3 + ["v2"] * 3


def test_with_room_for_one_it_is_the_reference_strength_and_of_too_many_variants_the_first():
    rows = shown(cells(variants=5), most=4)
    assert rows == [(f"v{i}", "1", 0) for i in range(4)]


@pytest.mark.parametrize("variants", [1, 2, 7, 40])
@pytest.mark.parametrize("most", [1, 7, MOST_RUNS])
def test_never_more_than_asked_for(variants, most):
    assert 0 < len(shown(cells(variants), most, seeds=range(9))) <= most


def test_a_cell_without_a_finished_run_is_passed_over():
    given = cells()
    assert [cell.beta for cell, _ in chosen(given, {given[3].place: [2]})] == ["10"]
    assert chosen(given, {}) == []


def test_the_report_says_what_a_ladder_shows_and_what_it_leaves_out():
    facts = {"reference": "β-VAE, β = 4, seed 0, the best", "runs": 30, "among": 50, "latents": 3, "active": 5}
    found = Ladder(**facts, matched=70, strips=87, left_out=["CVAE, β = 2 (codes.npz: damaged)"])
    text = ladders(replace(findings(lambda *_: {}), ladders={"sprites": found}))
    assert 'src="figures/ladder_sprites.png"' in text
    assert "Reference: β-VAE, β = 4, seed 0, the best. 30 of 50 finished runs; 3 of 5 active latents" in text
    assert "70 of 87 strips" in text
    assert "Left out: CVAE, β = 2 (codes.npz: damaged)." in text


def test_without_a_ladder_the_report_says_why():
    bare = findings(lambda *_: {})
    text = ladders(replace(bare, ladders={"sprites": Ladder(missing="nothing to show")}))
    assert "No ladder: nothing to show." in text
    assert "<img" not in text
    assert ladders(bare) == ""
