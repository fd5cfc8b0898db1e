"""The doctor of a study on disk: every cell's histories read, the same finding of several seeds said once."""

import numpy as np
import pandas as pd
import pytest

from multibeta.cli import main
from multibeta.files import read_json, write_json, write_table
from multibeta.report.health import health
from multibeta.results import StudyFolder
from multibeta.stages.doctor import doctor
from multibeta.stages.shared.gather import gather
from multibeta.stages.shared.specs import write_specs
from multibeta.study import Study

WELL = {"kl": 12.0}
COLLAPSED = {"kl": 0.02}


@pytest.fixture
def study(tmp_path):
    config = {
        "name": "made",
        "datasets": ["digits"],
        "variants": ["beta_vae", "cvae"],
        "strengths": [1, 4],
        "seeds": 3,
        "training": {"architecture": "mlp"},
    }
    made = Study.parse(config)
    write_specs(made, tmp_path)
    return made, StudyFolder(tmp_path / "made")


def end(study, variant, strength, *runs):
    """Let the first runs of a cell have ended, each with columns of a history or a status and why; its folder."""
    made, folder = study
    (cell,) = (each for each in made.cells if (each.variant.name, each.strength) == (variant, strength))
    histories, ended = [], {}
    for seed, run in enumerate(runs):
        status, reason = run if isinstance(run, tuple) else ("done", "")
        ended[str(seed)] = {"status": status, "reason": reason, "fingerprint": cell.run_fingerprint(seed)}
        if status == "done":
            noise = np.random.default_rng(0).standard_normal(40)
            table = {"seed": seed, "step": range(40), "loss": 100 + noise, "strength": float(strength), **run}
            histories.append(pd.DataFrame(table))
    place = cell.folder(folder.root)
    write_json(place.cell, {"runs": ended, "versions": {}, "hardware": {}})
    write_table(place.history, pd.concat(histories) if histories else pd.DataFrame({"seed": []}))
    return place


def test_findings_are_said_once_for_each_cell_with_their_seeds(study):
    end(study, "beta_vae", "1", WELL, WELL, WELL)
    end(study, "beta_vae", "4", COLLAPSED, WELL, COLLAPSED)
    end(study, "cvae", "4", WELL, ("diverged", "kl became nan between steps 40 and 50"))
    first, collapse, divergence = doctor(study[1].path).splitlines()
    assert first == "Something to look at in 3 of 8 runs."
    assert collapse.startswith("digits, β-VAE, β = 4, seeds 0, 2: posterior collapse: the code holds 0.02 nats")
    assert divergence == "digits, CVAE, β = 4, seed 1: diverged: kl became nan between steps 40 and 50"


def test_a_study_without_a_problem_is_one_sentence(study):
    end(study, "beta_vae", "1", WELL, WELL)
    assert doctor(study[1].path) == "No problem found in the histories of 2 runs."


def test_a_study_that_has_not_begun_has_no_runs_to_look_at(study):
    assert doctor(study[1].path) == "No problem found in the histories of 0 runs."


def test_runs_of_another_spec_are_not_looked_at(study):
    place = end(study, "beta_vae", "4", COLLAPSED)
    facts = read_json(place.cell)
    facts["runs"]["0"]["fingerprint"] = "of another"
    write_json(place.cell, facts)
    assert doctor(study[1].path) == "No problem found in the histories of 0 runs."


def test_the_command_prints_what_the_doctor_says(study, capsys):
    end(study, "beta_vae", "4", COLLAPSED)
    assert main(["doctor", str(study[1].path)]) == 0
    assert capsys.readouterr().out == doctor(study[1].path) + "\n"


def test_without_a_study_the_command_is_one_line(tmp_path, capsys):
    assert main(["doctor", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.err == f"doctor: {tmp_path}: no study there (study.json is missing)\n"
    assert printed.out == ""


def test_the_section_of_the_report_is_the_same_with_the_findings_folded(study):
    end(study, "beta_vae", "4", COLLAPSED, WELL)
    first, finding = doctor(study[1].path).splitlines()
    section = health(gather(study[1]))
    assert section.startswith(f"## Health of the trainings\n\n{first}\n\n<details>")
    assert f"- {finding}" in section


def test_the_section_of_a_healthy_study_has_nothing_to_unfold(study):
    end(study, "beta_vae", "4", WELL, WELL)
    section = health(gather(study[1]))
    assert section == "## Health of the trainings\n\nNo problem found in the histories of 2 runs."
