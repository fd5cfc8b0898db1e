"""What the image is built from is enough to run the study; the base image and the installation are not tried here."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STEPS = [
    line.split(maxsplit=1)
    for line in (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def sources(rest):
    *files, _ = rest.split()
    return files


def ignored():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    return [line for line in lines if line and not line.startswith(("#", "!"))]


@pytest.fixture
def image(tmp_path):
    """A folder with the tracked files that the last COPY takes."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    for name in filter(None, tracked):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_every_instruction_is_one_that_builders_know():
    known = {"FROM", "RUN", "WORKDIR", "COPY", "ENV", "VOLUME", "CMD"}
    assert {instruction for instruction, _ in STEPS} <= known
    assert STEPS[0][0] == "FROM"


def test_the_base_image_has_a_python_that_the_package_takes():
    (tag,) = re.findall(r"python:(\d+\.\d+)-slim$", STEPS[0][1])
    assert tuple(map(int, tag.split("."))) >= (3, 11)


def test_what_the_environment_is_set_up_from_is_there_before_it_is_set_up(tmp_path):
    for instruction, rest in STEPS:
        if instruction == "RUN" and "make setup" in rest:
            break
        if instruction == "COPY":
            for name in sources(rest):
                copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
                copy(ROOT / name, tmp_path / name)
    makefile = (tmp_path / "Makefile").read_text(encoding="utf-8")
    needed = re.search(r"^\$\(VENV\)/\.ready: (.*)$", makefile, re.MULTILINE).group(1).split()
    assert all((tmp_path / name).is_file() for name in needed)
    planned = subprocess.run(["make", "-n", "setup"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "--require-hashes -r requirements.lock" in planned
    project = (tmp_path / "pyproject.toml").read_text(encoding="utf-8")
    for name in re.findall(r'(?:readme = |license-files = \[)"([^"]+)"', project):
        assert (tmp_path / name).is_file(), name


def test_results_and_environments_of_this_machine_stay_out():
    kept_out = ignored()
    for line in (ROOT / ".gitignore").read_text(encoding="utf-8").split():
        name = line.removeprefix("!").strip("/")
        assert line.startswith("!") or any(name in pattern for pattern in kept_out) or name == ".coverage", line


def test_the_command_of_the_image_plans_the_default_study(image):
    (command,) = [rest for instruction, rest in STEPS if instruction == "CMD"]
    assert json.loads(command) == ["make", "report"]
    folder = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(image / "src")}
    planned = subprocess.run(
        ["snakemake", "--cores", "1", "--dry-run", "--configfile", "config.yaml"],
        cwd=image,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert planned.returncode == 0, planned.stderr
    assert re.search(r"^train +16$", planned.stdout, re.MULTILINE), planned.stdout
