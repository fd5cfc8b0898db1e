"""What is generated from the options is what lies in the repository, and it is valid."""

import json
import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from multibeta import config_files
from multibeta.study import Study

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["config.yaml", "workflow/schemas/config.schema.json", "config/README.md"])
def test_no_drift(tmp_path, name):
    config_files.write_all(tmp_path)
    fresh = (tmp_path / name).read_text(encoding="utf-8")
    assert (ROOT / name).read_text(encoding="utf-8") == fresh, f"{name} is stale: run `multibeta config`"


def test_config_yaml_is_the_default_study_and_nothing_more():
    assert yaml.safe_load(config_files.config_yaml()) == config_files.DEFAULT_STUDY


def test_what_is_commented_out_in_config_yaml_is_the_default():
    everything = re.sub(r"^( *)# (?=\w+:|- )", r"\1", config_files.config_yaml(), flags=re.MULTILINE)
    spelled_out = Study.parse(yaml.safe_load(everything))
    assert "patience" in str(yaml.safe_load(everything))
    assert spelled_out.cells == Study.parse(config_files.DEFAULT_STUDY).cells
    assert spelled_out.options.report == Study.parse(config_files.DEFAULT_STUDY).options.report


@pytest.mark.parametrize(
    "path", [ROOT / "config.yaml", *sorted((ROOT / "studies").glob("*.yaml"))], ids=lambda p: p.name
)
def test_every_study_of_the_repository_fits_the_schema(path):
    schema = json.loads(config_files.schema())
    Draft202012Validator.check_schema(schema)
    problems = list(Draft202012Validator(schema).iter_errors(yaml.safe_load(path.read_text(encoding="utf-8"))))
    assert not problems, problems[0].message
