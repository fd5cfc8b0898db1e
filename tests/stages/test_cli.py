"""The command line: help worth reading, one line for what is wrong, and nothing written then."""

import argparse
import re
import subprocess
import sys

import pytest

from multibeta.cli import INTERRUPTED, main, parser
from multibeta.study import Study


def commands():
    (found,) = (action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    return found.choices


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_explains_itself_and_each_of_its_options(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: multibeta {name}")
    for action in commands()[name]._actions:
        assert action.help
        assert all(option in text for option in action.option_strings)


def test_the_help_names_every_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(re.search(rf"\n    {name}\s", text) for name in commands())


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("train", "train: give a cell's folder, or --dataset NAME"),
        ("train --dataset digts", "unknown dataset 'digts'; did you mean 'digits'?"),
        ("train --dataset digits --variant beta_vea", "unknown variant 'beta_vea'; did you mean 'beta_vae'?"),
        ("train --dataset digits --architecture mlpp", "training.architecture = 'mlpp': unknown architecture"),
        ("train --dataset digits --architecture burgess", "needs images of 64×64 or 32×32, found 8×8 (dataset digits)"),
        ("train --dataset digits --beta -1", "train: strengths[0] = '-1': must be a number above 0"),
        ("train --dataset digits --seeds 1 1", "train: seeds = [1, 1]: names a seed twice"),
        ("train --dataset digits --steps 0", "train: training.budget = '0 steps': must be a count of steps or epochs"),
        ("train --dataset digits --epochs 1000000", "at most 100000000 steps or 100000 epochs"),
        ("train --dataset digits --seeds 9999999999999999", "seeds[0] = 9999999999999999: must be ≤ 9007199254740991"),
        ("score m.py --dataset digits --samples 100001", "score: evaluation.samples = 100001: must be ≤ 100000"),
        ("train --dataset digits --latents 0", "train: training.latents = 0: must be ≥ 1"),
        ("train --dataset digits --set training.latents", "--set training.latents: must be KEY=VALUE"),
        ("train --dataset digits --set training=[", "--set training=[: is not YAML"),
        (
            "train --dataset digits --set seeds.first=1",
            "--set seeds.first=1: 'seeds.first' is not the path of an option",
        ),
        (
            "train --dataset mnist --set datasets.mnist.options.size=30",
            "train: datasets.mnist.options.size = 30: is not allowed; choose from 28, 32",
        ),
        ("train --dataset mnist --set datasets.mnist=3", "train: datasets.mnist = 3: must be a mapping"),
        ("train --dataset digits --set training.latnets=3", "unknown key; did you mean 'latents'?"),
        ("train --dataset digits --plugin mine.py", "plug-in file 'mine.py' does not exist"),
        ("train nowhere", "train: nowhere: no cell there (spec.json is missing)"),
        ("encode nowhere", "encode: nowhere: no cell there"),
        ("evaluate nowhere", "evaluate: nowhere: no cell there"),
        ("draw nowhere", "draw: nowhere: no cell there"),
        ("measure nowhere", "measure: nowhere: no cell there"),
        ("features nowhere", "features: [Errno 2] No such file or directory: 'nowhere/card.json'"),
        ("report nowhere", "report: nowhere: no study there"),
        ("prepare nowhere", "prepare: nowhere: no dataset there"),
        ("prepare --dataset digts", "unknown dataset 'digts'; did you mean 'digits'?"),
        ("prepare --dataset sprites --set options.antialis=no", "did you mean 'antialias'?"),
        ("check nowhere.yaml", "nowhere.yaml: cannot be read"),
        ("datasets add nowhere", "datasets add: nowhere does not exist; give a folder of images"),
        ("weights inceptoin", "unknown weights 'inceptoin'"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(command, message, capsys, tmp_path):
    assert main(command.split()) == 1
    printed = capsys.readouterr()
    assert message in printed.err
    assert len(printed.err.splitlines()) == 1
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    ["", "fly", "train --dataset digits --steps 10 --epochs 1", "train --seeds one", "prepare", "train a b", "draw"],
)
def test_wrong_usage_ends_with_status_2(command, capsys, tmp_path):
    with pytest.raises(SystemExit) as ended:
        main(command.split())
    assert ended.value.code == 2
    assert "usage: multibeta" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("minutes", ["nan", "inf", "-1", "0", "1e9", "soon"])
def test_minutes_are_a_time_that_ends(minutes, capsys):
    with pytest.raises(SystemExit):
        main(["train", "nowhere", f"--minutes={minutes}"])
    message = f"argument --minutes: {minutes!r}: must be a number > 0, ≤ 525600"
    assert message in capsys.readouterr().err


def test_ctrl_c_ends_without_a_traceback(monkeypatch, capsys):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Study, "read", interrupted)
    assert main(["check", "config.yaml"]) == INTERRUPTED
    assert capsys.readouterr().err == ""


def test_it_ends_quietly_when_nobody_reads_on():
    command = f"{sys.executable} -m multibeta.cli list | true; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("0\n", "")


def test_list_names_the_plug_ins_of_every_kind(capsys):
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    for name in ("datasets", "digits", "variants", "cvae", "architectures", "mlp", "metrics", "mig"):
        assert f"{name}" in text.split()
    titles = [line for line in text.splitlines() if line.startswith("  ")]
    longest = max(len(line.split()[0]) for line in titles)
    assert longest > 16
    assert all(line[2 + longest] == " " != line[3 + longest] for line in titles)


def test_check_counts_what_a_study_sweeps(capsys, tmp_path):
    config = "{name: x, datasets: [digits], variants: [beta_vae], strengths: [1, 2], seeds: 3"
    (tmp_path / "config.yaml").write_text(config + ", training: {architecture: mlp}}")
    assert main(["check", "config.yaml"]) == 0
    assert capsys.readouterr().out == "config.yaml: 2 cells, 6 runs\n"
