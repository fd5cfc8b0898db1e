"""Tests train tiny models, which one thread does faster than several; and some typeset what is written for LaTeX."""

import os
import shutil
import subprocess
import unicodedata

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def typeset(tmp_path):
    """The text of the page that pdfTeX makes of a LaTeX body; skipped where it is not installed."""
    if not shutil.which("pdflatex") or not shutil.which("pdftotext"):
        pytest.skip("needs pdflatex with siunitx and pdftotext (Debian: texlive-science, poppler-utils)")

    def run(body, preamble=""):
        source = tmp_path / "page.tex"
        packages = r"\usepackage{booktabs,siunitx,graphicx}"
        source.write_text(
            f"\\documentclass{{article}}\n{packages}\n{preamble}\n\\begin{{document}}\n{body}\n\\end{{document}}\n",
            encoding="utf-8",
        )
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", source.name]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
        assert done.returncode == 0, done.stdout[-2000:]
        assert "Overfull" not in done.stdout
        read = subprocess.run(["pdftotext", "-layout", "page.pdf", "-"], cwd=tmp_path, capture_output=True, check=True)
        # Accents are characters of their own there.
        return " ".join(unicodedata.normalize("NFC", read.stdout.decode()).split())

    return run
