"""Jobs run in the environment or image that Snakemake was told to use; conda and Apptainer are stand-ins here."""

import json
import os
from pathlib import Path

import pytest
from tiny_study import BIN, TINY, Place

pytestmark = pytest.mark.slow

#: What `activate ENVIRONMENT` of a conda installation comes to.
ACTIVATE = 'export PATH="$1/bin:$PATH"\n'
CONDA = """#!/bin/bash
case "$*" in
    "info --json") echo '{information}' ;;
    --version) echo "conda 25.1.1" ;;
    config*) echo '{{"get": {{"channel_priority": "strict"}}}}' ;;
    "env create"*)
        while [ "$1" != --prefix ]; do shift; done
        mkdir -p "$2/bin"
        printf '#!/bin/sh\\necho "$@" >> "{calls}"\\nexec {python} "$@"\\n' > "$2/bin/python"
        chmod +x "$2/bin/python" ;;
esac
"""
APPTAINER = """#!/bin/bash
if [ "$1" = --version ]; then echo "apptainer version 1.3.4"; exit; fi
echo "$@" >> "{calls}"
while [ "$1" != bash ]; do shift; done
PATH="{image}:/usr/bin:/bin" exec "$@"
"""


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def place(tmp_path, monkeypatch):
    place = Place(tmp_path / "study")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return place


def card(place):
    """The rule that needs the least time, run; the file that it makes."""
    place.run("--cores", "1", "--until", "prepare", *place.deployment)
    (found,) = place.files(".data/*/card.json").values()
    return json.loads(found)


def test_with_conda_the_environments_python_runs_the_package_of_this_repository(place, tmp_path):
    calls, base = tmp_path / "calls", tmp_path / "conda"
    information = json.dumps({"conda_prefix": str(base), "platform": "linux-64"})
    program(tmp_path / "bin/conda", CONDA.format(information=information, calls=calls, python=BIN / "python"))
    program(base / "bin/activate", ACTIVATE)
    place.deployment = ("--sdm", "conda")
    assert card(place)["name"] == "digits"
    assert calls.read_text().startswith("-P -m multibeta.cli prepare ")


def test_with_apptainer_jobs_call_the_multibeta_of_the_image(place, tmp_path):
    calls, inside = tmp_path / "calls", tmp_path / "inside"
    program(tmp_path / "bin/apptainer", APPTAINER.format(calls=calls, image=tmp_path / "image"))
    program(tmp_path / "image/multibeta", f'#!/bin/sh\necho "$@" >> {inside}\nexec {BIN / "multibeta"} "$@"\n')
    place.write("multibeta.sif", "")
    place.configure(running={"image": "multibeta.sif"}, datasets=list(TINY["datasets"]))
    place.deployment = ("--sdm", "apptainer")
    assert card(place)["name"] == "digits"
    assert inside.read_text().startswith("prepare ")
    assert "multibeta.sif bash -c" in calls.read_text()
    assert str(BIN) not in calls.read_text()
