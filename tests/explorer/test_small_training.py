"""A small training: checked before it starts, told of while it runs, and never within the study that is looked at."""

import json
import sys

import pytest

from multibeta.config_errors import ConfigError
from multibeta.explorer.shelf import read_shelf
from multibeta.explorer.small_training import BAR, DATASETS, Training, Wish, failure, progress
from multibeta.results import CellFolder


def test_what_it_trains_is_a_study_of_its_own(tmp_path):
    wish = Wish("quick", "digits", "beta_vae", 4, latents=3, steps=200, seed=7)
    assert wish.folder(tmp_path) == tmp_path / "explorer-quick/cells/digits/beta_vae/beta~4"
    command = " ".join(wish.command(tmp_path))
    assert command.startswith("train --dataset digits --variant beta_vae --beta 4 --seeds 7 --steps 200 --latents 3")
    assert f"--minutes 1 --name explorer-quick --results {tmp_path}" in command


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_dataset_offered_can_be_trained(dataset, tmp_path):
    Wish("quick", dataset, "beta_vae", 1).check(tmp_path / "tiny")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (Wish("../escape", "digits", "beta_vae", 1), "the name must be made of letters, digits, - and _"),
        (Wish("", "digits", "beta_vae", 1), "the name must be made of letters, digits, - and _"),
        (Wish("open", "digits", "beta_vae", 1), "explorer-open is the study that is looked at; give another name"),
        (Wish("quick", "digits", "beta_vae", 0), "must be a number above 0"),
        (Wish("quick", "digits", "beta_tcvae", 1, latents=0), "training.latents = 0: must be ≥ 1"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_line(wish, message, tmp_path):
    with pytest.raises(ConfigError, match=message) as refused:
        wish.check(tmp_path / "explorer-open")
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("t:   0%|          | 0/1500 [00:00<?, ?step/s]", (0.0, "step 0 of 1500")),
        (
            "t:  10%|█  | 150/1500 [00:02<00:20, 66.62step/s, loss=206.8, kl=0.02]",
            (0.1, "step 150 of 1500, 00:20 left, loss=206.8, kl=0.02"),
        ),
        ("t: 100%|███| 60/60 [00:00<00:00, 511.14step/s]", (1.0, "step 60 of 60, 00:00 left")),
    ],
)
def test_the_bar_is_told_in_words(line, expected):
    assert progress(BAR.search(line)) == expected


def test_it_trains_measures_and_stands_beside_the_others(study):
    before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
    training = Training(Wish("quick", "digits", "beta_vae", 2, latents=3, steps=100), study.parent)
    training.wait(240)
    assert (training.state, training.words) == ("done", "trained and measured")
    assert training.share == 1
    found = next(each for each in read_shelf(study).openable if each.is_own)
    assert found.place == ("digits", "beta_vae", "2")
    assert found.folder.metrics.is_file()
    assert {path: path.read_bytes() for path in study.rglob("*") if path.is_file()} == before


def test_stopped_it_keeps_a_checkpoint(study):
    training = Training(Wish("slow", "sprites", "beta_vae", 2, steps=3000), study.parent)
    while "step" not in training.words and training.state == "running":
        training.wait(0.05)
    training.stop()
    training.wait(60)
    assert (training.state, training.words) == ("stopped", "stopped; train it again to go on from here")
    assert not CellFolder(training.folder).models.exists()
    assert list(study.parent.glob(".state/*/checkpoint.safetensors"))
    again = Training(training.wish, study.parent)
    while "step" not in again.words and again.state == "running":
        again.wait(0.05)
    assert again.share > 0  # it goes on where it stopped
    again.stop()
    again.wait(60)


def test_a_training_that_fails_says_why(study):
    (study.parent / "explorer-blocked").write_text("a file where a folder should be")
    training = Training(Wish("blocked", "digits", "beta_vae", 2, steps=100), study.parent)
    training.wait(60)
    assert training.state == "failed"
    assert "explorer-blocked" in training.words


def test_without_a_python_to_run_it_fails_in_a_line(study, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(study / "no-python"))
    training = Training(Wish("quick", "digits", "beta_vae", 2, steps=100), study.parent)
    training.wait(10)
    assert training.state == "failed"
    assert "no-python" in training.words


def test_a_run_that_diverged_is_no_success(tmp_path):
    run = {"status": "diverged", "reason": "kl is not a number at step 3", "fingerprint": "0"}
    done = {"status": "done", "reason": "", "fingerprint": "1"}
    (tmp_path / "cell.json").write_text(json.dumps({"runs": {"0": run, "1": done}}))
    assert failure(tmp_path, 0) == "diverged: kl is not a number at step 3"
    assert failure(tmp_path, 1) == ""
