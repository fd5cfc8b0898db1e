"""The page: one file, nothing loaded from outside, pictures that grow without scripts, tables that sort with them."""

import io
import re
import shutil
import subprocess

import pytest
from PIL import Image

from multibeta.report.html import page

MARKDOWN = """# Title & more

> **Complete.**

## First, and why

| a | b |
| :-- | --: |
| x | 1 |

<img src="figures/a%20b.png" alt="A" width="100%">

## Second

<details>
<summary>More</summary>

<p>
<img src="cells/x/beta~1/figures/s.png" alt="B, β = 1" width="49%">
</p>

</details>
"""
TABLE = """# Sorting

| variant | score | lasts | β |
| :-- | --: | --: | --: |
| one | 0.213 ± 0.041 | 90 s | 0.5 |
| two | – | 2.0 min | 1 |
| three | −1.5 ± 9 (2) | 1.1 h | 10 |
| four | **0.3** | 4 s | 2 |
"""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
in_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


def png(width=40, height=20):
    buffer = io.BytesIO()
    Image.new("L", (width, height), 90).save(buffer, "png")
    return buffer.getvalue()


def made(read=lambda path: png()):
    return page(MARKDOWN, read)


def test_only_a_sentence_in_a_table_may_have_several_lines():
    # Names and numbers stay whole; four sentences side by side are wider than a screen.
    sentence = "none: the seeds do not tell the strengths apart (none: 100 %)"
    text = page(f"# A\n\n| variant | which | score |\n| :-- | :-- | --: |\n| β-VAE | {sentence} | 1 |\n", png)
    assert '<td class="text">β-VAE</td>' in text
    assert f'<td class="text long">{sentence}</td>' in text
    assert "<td>1</td>" in text
    assert ".long { white-space: normal;" in text


def test_pictures_are_inside():
    asked = []
    text = made(lambda path: asked.append(path) or png())
    assert asked == ["figures/a b.png", "cells/x/beta~1/figures/s.png"]
    assert text.count('src="data:image/png;base64,') == 2


def test_a_picture_that_is_not_given_is_linked():
    text = made(lambda path: None if path.startswith("cells") else png())
    assert text.count('src="data:image/png;base64,') == 1
    link = '<a class="zoom" href="cells/x/beta~1/figures/s.png" style="width:49%">'
    assert f'{link}<img src="cells/x/beta~1/figures/s.png" alt="B, β = 1" loading="lazy"></a>' in text


def test_a_picture_keeps_its_place_and_grows_by_a_box_to_tick():
    (first, second) = re.findall(r'<label class="zoom" style="([^"]*)"><input type="checkbox" [^>]*><img ', made())
    assert (first, second) == ("width:100%;aspect-ratio:40/20", "width:49%;aspect-ratio:40/20")
    assert ".zoom input:checked + img" in made()


def test_nothing_is_loaded_from_outside():
    text = made()
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', text)
    assert "<link" not in text
    assert "@import" not in text


def test_contents_lead_to_the_headings():
    text = made()
    assert re.findall(r'<a href="#([^"]+)">', text) == ["first-and-why", "second"]
    assert '<h2 id="first-and-why">' in text
    assert "<title>Title &amp; more</title>" in text


def test_tables_scroll_by_themselves_and_blocks_fold():
    text = made()
    assert text.count('<div class="scroll">\n<table>') == text.count("</table>\n</div>") == 1
    assert "<details>" in text


def test_columns_of_text_are_marked_and_those_of_numbers_are_not():
    text = made()
    assert '<th class="text">a</th>\n<th>b</th>' in text
    assert '<td class="text">x</td>\n<td>1</td>' in text


def test_the_same_markdown_gives_the_same_page():
    assert made() == made()


def in_browser(tmp_path, script):
    """The first cells of the rows, and the document, after a script has run in the page."""
    path = tmp_path / "page.html"
    path.write_text(page(TABLE, lambda path: None).replace("</body>", f"<script>{script}</script></body>"))
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run(
        [*command, "--dump-dom", path.as_uri()], capture_output=True, text=True, check=True, timeout=60
    )
    return re.findall(r'<td class="text">(\w+)</td>', done.stdout), done.stdout


@in_chromium
@pytest.mark.parametrize(
    ("column", "clicks", "expected"),
    [
        (1, 1, "four one three two"),  # by the mean; what is no number stands below
        (1, 2, "three one four two"),
        (1, 3, "one two three four"),  # as it was
        (2, 1, "three two one four"),  # seconds, minutes and hours
        (3, 2, "one two four three"),
        (0, 2, "four one three two"),  # letters
    ],
)
def test_a_click_on_a_heading_sorts(tmp_path, column, clicks, expected):
    click = f"document.querySelectorAll('th button')[{column}].click();"
    assert in_browser(tmp_path, click * clicks)[0] == expected.split()


@in_chromium
def test_the_heading_says_which_way_it_is_sorted_and_can_be_reached_by_keyboard(tmp_path):
    _, document = in_browser(tmp_path, "document.querySelectorAll('th button')[1].click();")
    assert re.findall(r'<th[^>]* aria-sort="(\w+)"', document) == ["none", "descending", "none", "none"]
    assert document.count("<button>") == 4
