"""Text with words of others in it, as a terminal may be given it: nothing moves a cursor or turns a line round."""

from __future__ import annotations

#: Characters of a message, unless most of it is what was found in a file.
LONGEST = 1000


def in_one_line(text: str) -> str:
    """One line, of at most `LONGEST` characters: what is longer loses its middle."""
    line = " ".join(text.split())
    if len(line) > LONGEST:
        line = f"{line[: LONGEST // 2]} … {line[-LONGEST // 2 + 3 :]}"
    return plain(line)


def plain(text: str) -> str:
    """The same lines, with whatever is neither printable nor the end of a line written as its escape."""
    return "\n".join(line if line.isprintable() else "".join(map(_shown, line)) for line in text.split("\n"))


def _shown(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]
