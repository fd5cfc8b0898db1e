"""The page: one file, nothing loaded from outside, every heading of the second level in its contents."""

import re

from multibeta.report.html import page

MARKDOWN = """# Title & more

> **Complete.**

## First, and why

| a | b |
| :-- | --: |
| x | 1 |

<img src="figures/a%20b.png" alt="A">

## Second

<details>
<summary>More</summary>

<p>
<img src="cells/x/beta~1/figures/s.png" alt="B" width="49%">
</p>

</details>
"""


def made(read=lambda path: path.encode()):
    return page(MARKDOWN, read)


def test_pictures_are_inside():
    asked = []
    text = made(lambda path: asked.append(path) or b"png")
    assert asked == ["figures/a b.png", "cells/x/beta~1/figures/s.png"]
    assert text.count('src="data:image/png;base64,cG5n"') == 2


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
    assert "text-align:right" in text


def test_the_same_markdown_gives_the_same_page():
    assert made() == made()
