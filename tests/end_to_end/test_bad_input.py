"""What is wrong is one line, and nothing half-written stays behind."""

import os
import shutil
import subprocess

import pytest
import yaml
from tiny_study import ROOT, TINY

MIRROR = ROOT.parent / "shared" / "data"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strengths": [1, -4]}, "bad.yaml: strengths[1] = -4: must be a number above 0"),
        ({"strengths": [1, 1.0]}, "bad.yaml: strengths = [1, 1.0]: names the strength 1 twice"),
        ({"trainig": {}}, "bad.yaml: trainig = {}: unknown key; did you mean 'training'?"),
        ({"datasets": {"digit": {}}}, "bad.yaml: datasets.digit: unknown dataset 'digit'; did you mean 'digits'?"),
        (
            {"training": {"architecture": "burgess"}},
            "bad.yaml: training.architecture = 'burgess': needs images of 64×64",
        ),
    ],
    ids=["negative strength", "strength twice", "unknown key", "unknown dataset", "impossible image size"],
)
def test_snakemake_says_what_is_wrong_with_the_config(place, tmp_path, changes, message):
    work = place(tmp_path / "work")
    work.write("bad.yaml", yaml.safe_dump({**TINY, **changes}, allow_unicode=True))
    output = work.run("--cores", "1", "--configfile", "bad.yaml", status=1)
    assert sum(message in line for line in output.splitlines()) == 1
    assert "Traceback" not in output
    assert not (work.path / "results").exists()


@pytest.fixture
def mirror(tmp_path):
    if not MIRROR.is_dir():
        pytest.skip("the mirror ../shared/data is not here")
    copy = tmp_path / "mirror"
    shutil.copytree(MIRROR / "mnist", copy / "mnist")
    return copy


def truncate(path):
    path.write_bytes(path.read_bytes()[:1000])


def alter(path):
    path.write_bytes(path.read_bytes()[:-40] + bytes(40))


@pytest.mark.parametrize("damage", [truncate, alter])
def test_a_damaged_source_file_is_one_line(place, tmp_path, mirror, damage, monkeypatch):
    monkeypatch.setenv("MULTIBETA_MIRROR", str(mirror))
    damage(mirror / "mnist" / "t10k-images-idx3-ubyte.gz")
    work = place(tmp_path / "work")
    output = work.run("prepare", "--dataset", "mnist", program="multibeta", status=1)
    assert output.startswith("prepare: ")
    assert "t10k-images-idx3-ubyte.gz" in output
    assert len(output.splitlines()) == 1
    assert [path.name for path in work.path.glob("results/.data/*/*")] == ["spec.json"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 300 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting needs rights that are not here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_one_line_and_leaves_no_half_file(place, tmp_path, small_disk):
    work = place(tmp_path / "work")
    command = ["train", "--dataset", "sprites", "--steps", "5", "--architecture", "mlp", "--results", str(small_disk)]
    output = work.run(*command, program="multibeta", status=1)
    assert "No space left on device" in output.splitlines()[-1]
    assert str(small_disk) in output.splitlines()[-1]
    assert "Traceback" not in output
    assert {path.name for path in small_disk.rglob("*") if path.is_file()} <= {"spec.json", "study.json"}


def test_a_read_only_disk_is_one_line(place, tmp_path, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    work = place(tmp_path / "work")
    command = ["train", "--dataset", "digits", "--steps", "5", "--results", str(small_disk)]
    output = work.run(*command, program="multibeta", status=1)
    assert "Read-only file system" in output
    assert len(output.splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("train", "give a cell's folder, or --dataset NAME"),
        ("train --dataset digts", "unknown dataset 'digts'; did you mean 'digits'?"),
        ("train --dataset digits --beta -1", "strengths[0] = '-1': must be a number above 0"),
        ("train --dataset digits --set training.latents", "must be KEY=VALUE"),
        ("evaluate nowhere", "nowhere: no cell there"),
        ("draw nowhere", "nowhere: no cell there"),
        ("report nowhere", "nowhere: no study there"),
        ("check nowhere.yaml", "nowhere.yaml: cannot be read"),
        ("prepare nowhere", "nowhere: no dataset there"),
    ],
)
def test_a_wrong_command_is_one_line(place, tmp_path, command, message):
    work = place(tmp_path / "work")
    output = work.run(*command.split(), program="multibeta", status=1)
    assert message in output
    assert len(output.splitlines()) == 1
    assert not os.path.exists(work.path / "results")


def test_every_command_explains_itself(place, tmp_path):
    work = place(tmp_path / "work")
    for name in [
        "prepare",
        "features",
        "train",
        "encode",
        "evaluate",
        "draw",
        "measure",
        "report",
        "check",
        "list",
        "weights",
        "config",
    ]:
        assert f"usage: multibeta {name}" in work.run(name, "--help", program="multibeta")
