"""Names and messages from files, shown as they are: Streamlit takes text for Markdown, which can fetch pictures."""

import re


def plain(text: str) -> str:
    """The text in one line, with everything escaped that means something in Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|$~:-])", r"\\\1", " ".join(text.split()))
