"""The three lists of dependencies agree."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: The names of a package where conda has another than pip.
CONDA = {"torch": "pytorch", "snakemake": "snakemake-minimal", "matplotlib": "matplotlib-base"}


def declared():
    return {r.name: r.specifier for r in map(Requirement, PROJECT["dependencies"])}


def test_environment_yml_has_the_ranges_of_pyproject():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    by_pip = next(entry["pip"] for entry in listed if isinstance(entry, dict))
    conda = {}
    for line in [entry for entry in listed if isinstance(entry, str)] + by_pip:
        name, specifier = re.fullmatch(r"([\w-]+) ?(.*)", line).groups()
        conda[name] = SpecifierSet(specifier)
    assert conda.pop("python") == SpecifierSet(PROJECT["requires-python"])
    conda.pop("pip")
    assert conda == {CONDA.get(name, name): specifier for name, specifier in declared().items()}


def test_the_lock_file_pins_every_dependency_within_its_range_and_with_hashes():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE))
    for name, specifier in declared().items():
        assert specifier.contains(pins[name]), name
    blocks = re.split(r"^(?=[\w.-]+==)", lock, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_lock_file_names_no_package_index():
    assert "://" not in (ROOT / "requirements.lock").read_text(encoding="utf-8")
