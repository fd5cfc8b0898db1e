"""The gallery: held by the page as long as it is not too large, and links to what moves."""

from dataclasses import replace

from made_findings import findings

from multibeta.report.gallery import MOST_EMBEDDED, embeds, gallery

DRAWN = replace(
    findings(lambda *_: {"mig": 0.1}),
    pictures={("sprites", "beta_vae", beta): ["samples", "traversals_prior"] for beta in ("1", "4", "8")},
    animations={("sprites", "beta_vae", "4"): ["traversals_prior"]},
)


def test_pictures_stand_side_by_side_over_the_strengths():
    text = gallery(DRAWN)
    assert "<summary>Samples from the prior: β = 1, 4, 8</summary>" in text
    assert text.count("<img ") == 6
    assert text.count("<details open>") == 1


def test_what_moves_is_linked_below_its_strips():
    strips = gallery(DRAWN).partition("<summary>Prior traversals")[2]
    assert strips.count(".webp") == 1
    assert "Moving: [β = 4](cells/sprites/beta_vae/beta~4/figures/traversals_prior.webp)" in strips
    assert "Moving" not in gallery(replace(DRAWN, animations={}))


def test_a_gallery_too_large_to_be_held_is_linked_and_says_so():
    assert embeds(DRAWN)
    assert "links to them" not in gallery(DRAWN)
    large = replace(DRAWN, pictures={**DRAWN.pictures, ("sprites", "beta_vae", "8"): ["samples"] * MOST_EMBEDDED})
    assert not embeds(large)
    text = gallery(large)
    assert f"These are {MOST_EMBEDDED + 4} pictures, more than the {MOST_EMBEDDED}" in text
    assert "<details open>" not in text
