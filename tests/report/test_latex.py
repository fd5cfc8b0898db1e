"""LaTeX by the piece: what is printed is what was meant, and a table is as wide as its line at most."""

import math

import pytest

from multibeta.report.latex import NOTHING, Measured, TableColumn, escape, number, table

NASTY = r"50 % of $x_1^2$ & {a} ~ #3 \mbox <b> | \"quoted\" β-VAE, γ ≥ 4·10³, ΔΩε, Fréchet – Łukasz"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("beta_vae & 50 %", r"beta\_vae \& 50 \%"),
        (r"a\b", r"a\textbackslash{}b"),
        ("β-VAE, λ, Γ, Α", r"$\beta$-VAE, $\lambda$, $\Gamma$, A"),
        ("MIG ↑", r"MIG $\uparrow$"),
        ("two\n lines", "two lines"),
    ],
)
def test_text_is_escaped(text, written):
    assert escape(text) == written


def test_escaped_text_is_printed_as_it_was(typeset):
    page = typeset(escape(NASTY))
    # The font draws _ as a rule and Ł as an L with a stroke: not letters to a reader of the file.
    for piece in ("50 % of $x 1ˆ2$", "& {a} ˜ #3 \\mbox <b> |", "β-VAE, γ ≥ 4", "Fréchet – Lukasz"):
        assert piece in page


def test_every_greek_letter_is_known_to_latex(typeset):
    letters = "".join(map(chr, [*range(0x391, 0x3A2), *range(0x3A3, 0x3AA), *range(0x3B1, 0x3CA)]))
    assert typeset(escape(letters))


@pytest.mark.parametrize(
    ("value", "places", "written"),
    [(0.4104, 3, "0.410"), (-0.5, 1, r"\ensuremath{-0.5}"), (-0.0001, 3, "0.000"), (12.0, 1, "12.0")],
)
def test_a_minus_is_a_minus_and_nothing_is_minus_zero(value, places, written):
    assert number(value, places) == written


COLUMNS = [TableColumn("variant"), TableColumn("MIG ↑", 3), TableColumn("Fréchet distance, domain features ↓", 1)]
ROWS = [
    ["a", Measured(0.41, 0.025, "$^{*}$"), Measured(-12.34, 1.5)],
    ["b", Measured(0.5), NOTHING],
]


def test_numbers_have_room_for_the_widest_and_their_intervals_beside_them():
    text = table("What it is.", COLUMNS, ROWS)
    assert text.startswith("% What it is.\n")
    assert r"{@{}lS[table-format=1.3]@{\,}lS[table-format=-2.1]@{\,}l@{}}" in text
    assert r"a & 0.410 & $\pm$\,0.025$^{*}$ & -12.3 & $\pm$\,1.5 \\" in text
    assert r"b & 0.500 &  & {--} &  \\" in text


def test_groups_are_set_apart():
    rows = [[name, Measured(1), Measured(1)] for name in "aabb"]
    lines = table("", COLUMNS, rows, grouped=True).splitlines()
    assert [line[0] for line in lines if line[:1] in "ab" or "addlinespace" in line] == ["a", "a", "\\", "b", "b"]


def test_a_table_is_printed(typeset):
    page = typeset(table("", COLUMNS, ROWS))
    assert "a 0.410 ± 0.025∗ −12.3 ± 1.5" in page
    assert "b 0.500 –" in page


def test_a_table_wider_than_the_line_is_shrunk_to_it(typeset):
    wide = [TableColumn(f"a rather long heading {place}", 3) for place in range(30)]
    body = table("", wide, [[Measured(0.5, 0.25)] * 30])
    assert "0.500 ± 0.250" in typeset(body)  # which fails where a box is overfull
    with pytest.raises(AssertionError):
        typeset(body.replace(r"\ifdim\wd0>\linewidth", r"\ifdim\wd0>\maxdimen"))


def test_a_table_without_rows_is_printed(typeset):
    assert "variant" in typeset(table("", COLUMNS, []))
    assert not math.isfinite(NOTHING.mean)
