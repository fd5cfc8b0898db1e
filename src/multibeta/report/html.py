"""The report as one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
import re
import struct
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
{script}</script>
</body>
</html>
"""


#: As `multibeta.report.text.picture` writes it.
PICTURE = re.compile(r'<img src="(?P<source>[^":]+\.png)" alt="(?P<alternative>[^"]*)"(?: width="(?P<width>[^"]+)")?>')

#: A cell of text that is a sentence and may have several lines.
LONG = re.compile(r'<td class="text">(?=[^<\n]{33})')


def page(markdown: str, read: Callable[[str], bytes | None]) -> str:
    """Markdown of ours as a page with its pictures inside.

    Pictures grow on a click, and tables are sorted by one on a heading; the first needs no scripts.

    Args:
        markdown: as `multibeta.report.markdown.markdown` makes it.
        read: the bytes of a PNG by its relative path; None for one that the page shall link to and not hold.
    """
    converter = MarkdownIt("commonmark", {"html": True}).enable("table")
    headings: list[tuple[str, str, str]] = []
    sections = []
    # One after the other: the tokens of a large page take twenty times its bytes.
    for section in re.split(r"\n\n(?=## )", markdown):
        tokens = converter.parse(f"{section}\n")
        headings += _name_headings(tokens)
        sections.append(converter.renderer.render(tokens, converter.options, {}))
    body = "".join(sections)
    # Wide tables scroll by themselves; the page does not.
    body = body.replace("<table>", '<div class="scroll">\n<table>').replace("</table>", "</table>\n</div>")
    # Half a million cells that each say it would be most of a large page.
    body = body.replace(' style="text-align:right"', "").replace(' style="text-align:left"', ' class="text"')
    body = LONG.sub('<td class="text long">', body)
    body = PICTURE.sub(lambda found: _shown(found, read), body)
    title = next((text for level, text, _ in headings if level == "h1"), "Report")
    contents = "".join(f'<a href="#{name}">{escape(text)}</a>\n' for level, text, name in headings if level == "h2")
    style, script = (_beside(f"page.{kind}") for kind in ("css", "js"))
    return PAGE.format(title=escape(title), style=style, script=script, contents=contents, body=body)


def _beside(name: str) -> str:
    return resources.files("multibeta.report").joinpath(name).read_text(encoding="utf-8")


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


def _shown(found: re.Match[str], read: Callable[[str], bytes | None]) -> str:
    """A picture that grows on a click: in its place, by a box to tick that is not seen, or as the file it links to."""
    source, alternative, width = found["source"], found["alternative"], found["width"]
    picture = f'alt="{alternative}" loading="lazy"'
    style = f"width:{width}" if width else ""
    content = read(unquote(source))
    if content is None:
        return f'<a class="zoom" href="{source}" style="{style}"><img src="{source}" {picture}></a>'
    # The place is kept while the picture is large, and before it is loaded.
    wide, high = struct.unpack(">II", content[16:24])
    data = base64.b64encode(content).decode("ascii")
    return (
        f'<label class="zoom" style="{style};aspect-ratio:{wide}/{high}"><input type="checkbox" aria-label="Enlarge">'
        f'<img src="data:image/png;base64,{data}" {picture}></label>'
    )
