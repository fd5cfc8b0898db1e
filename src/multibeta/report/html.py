"""The report as one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from html import escape
from importlib import resources
from itertools import pairwise
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<nav aria-label="Contents">
{contents}</nav>
<main>
{body}</main>
<script>
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(block => (block.open = true)));
</script>
</body>
</html>
"""


def page(markdown: str, read: Callable[[str], bytes]) -> str:
    """Markdown of ours as a page with its pictures inside.

    Args:
        markdown: as `multibeta.report.markdown.markdown` makes it.
        read: the bytes of a PNG by its relative path.
    """
    converter = MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = converter.parse(markdown)
    headings = _name_headings(tokens)
    body = converter.renderer.render(tokens, converter.options, {})
    # Wide tables scroll by themselves; the page does not.
    body = body.replace("<table>", '<div class="scroll">\n<table>').replace("</table>", "</table>\n</div>")
    body = re.sub(r'src="([^":]+\.png)"', lambda found: f'loading="lazy" src="{_embedded(read, found[1])}"', body)
    title = next((text for level, text, _ in headings if level == "h1"), "Report")
    contents = "".join(f'<a href="#{name}">{escape(text)}</a>\n' for level, text, name in headings if level == "h2")
    style = resources.files("multibeta.report").joinpath("page.css").read_text(encoding="utf-8")
    return PAGE.format(title=escape(title), style=style, contents=contents, body=body)


def _name_headings(tokens: list[Token]) -> list[tuple[str, str, str]]:
    """Give every heading an id, as GitHub does, and return (level, text, id)."""
    found: list[tuple[str, str, str]] = []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            text = "".join(child.content for child in inline.children or [])
            name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            opening.attrSet("id", name)
            found.append((opening.tag, text, name))
    return found


def _embedded(read: Callable[[str], bytes], path: str) -> str:
    return "data:image/png;base64," + base64.b64encode(read(unquote(path))).decode("ascii")
