"""What is wrong is one line, and nothing half-written stays behind."""

import contextlib
import errno
import itertools
import os
import shutil
import subprocess

import pytest
import yaml
from tiny_study import ROOT, TINY

from multibeta.cli import main
from multibeta.download import NotDownloaded

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
        ({"seeds": 2500}, "bad.yaml: running.large = False: this study starts 10,000 runs in 4 cells"),
    ],
    ids=["negative strength", "strength twice", "unknown key", "unknown dataset", "impossible image size", "large"],
)
def test_snakemake_says_what_is_wrong_with_the_config(place, tmp_path, changes, message):
    work = place(tmp_path / "work")
    work.write("bad.yaml", yaml.safe_dump({**TINY, **changes}, allow_unicode=True))
    dry = ["--dry-run"] if "strengths" in changes else []
    output = work.run("--cores", "1", "--configfile", "bad.yaml", *dry, status=1)
    assert sum(message in line for line in output.splitlines()) == 1
    assert "Traceback" not in output
    assert not (work.path / "results").exists()


@pytest.mark.parametrize("given", [("--configfile", "config.yaml"), ()], ids=["by name", "by default"])
def test_snakemake_refuses_a_key_given_twice(place, tmp_path, given):
    work = place(tmp_path / "work")
    text = yaml.safe_dump(TINY, allow_unicode=True)
    work.write("config.yaml", f"{text}seeds: 3\n")
    first = next(number for number, line in enumerate(text.splitlines(), 1) if line.startswith("seeds:"))
    output = work.run("--cores", "1", "--dry-run", *given, status=1)
    message = f"config.yaml: key 'seeds' is given twice, in lines {first} and {len(text.splitlines()) + 1}"
    assert sum(message in line for line in output.splitlines()) == 1
    assert "Traceback" not in output


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    if not MIRROR.is_dir():
        pytest.skip("the mirror ../shared/data is not here")
    copy = tmp_path / "mirror"
    (copy / "mnist").mkdir(parents=True)
    for file in (MIRROR / "mnist").iterdir():
        shutil.copyfile(file, copy / "mnist" / file.name)
    monkeypatch.setenv("MULTIBETA_MIRROR", str(copy))
    return copy


def truncate(path):
    path.write_bytes(path.read_bytes()[:1000])


def alter(path):
    path.write_bytes(path.read_bytes()[:-40] + bytes(40))


@pytest.mark.parametrize("damage", [truncate, alter])
def test_a_damaged_source_file_is_one_line(place, tmp_path, mirror, damage):
    damage(mirror / "mnist" / "t10k-images-idx3-ubyte.gz")
    work = place(tmp_path / "work")
    output = work.run("prepare", "--dataset", "mnist", program="multibeta", status=1)
    assert output.startswith("prepare: ")
    assert "t10k-images-idx3-ubyte.gz" in output
    assert len(output.splitlines()) == 1
    assert [path.name for path in work.path.glob("results/.data/*/*")] == ["spec.json"]


def test_a_missing_source_file_is_named_with_where_it_was_looked_for(place, tmp_path, mirror, monkeypatch, capsys):
    monkeypatch.setenv("MULTIBETA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("multibeta.download._fetch", _no_network)
    monkeypatch.chdir(tmp_path)
    (mirror / "mnist" / "train-labels-idx1-ubyte.gz").unlink()
    assert main(["prepare", "--dataset", "mnist"]) == 1
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 2, "the licence, and what went wrong"
    assert "mnist needs train-labels-idx1-ubyte.gz: looked in" in error
    assert "set MULTIBETA_MIRROR=<folder>" in error
    assert [path.name for path in tmp_path.glob("results/.data/*/*")] == ["spec.json"]
    assert [path for path in tmp_path.rglob("cache/**/*") if path.is_file()] == []


def _no_network(*_):
    raise NotDownloaded("could not be downloaded (no network here)")


def mounted(disk, options):
    """Mount a small file system, or skip."""
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs rights that are not here")
    return disk


@pytest.fixture
def disk(tmp_path):
    """A disk of 8 MB."""
    yield mounted(tmp_path / "disk", "size=8m")
    subprocess.run(["umount", str(tmp_path / "disk")], check=True)


def fill(disk, room):
    """Leave no more than ``room`` bytes on the disk."""
    with (disk / "filler").open("wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass
        file.truncate(file.tell() - room)


def contents(disk):
    return {path for path in disk.rglob("*") if path.is_file()}


def stages(disk):
    """The commands that make a cell by hand, and those of its study, in their order."""
    cell = disk / "by_hand/cells/digits/beta_vae/beta~1"
    which = ["--dataset", "digits", "--architecture", "mlp", "--latents", "2", "--results", str(disk)]
    small = ["--set", "evaluation.codes=300", "--set", "evaluation.held_out=60", "--set", "evaluation.samples=60"]
    yield ["prepare", "--dataset", "digits", "--results", str(disk)]
    yield ["train", *which, "--steps", "20", "--set", "running.checkpoint_seconds=0.001", *small]
    yield ["features", str(next(disk.glob(".data/*")))]
    yield ["measure", str(cell)]
    yield ["report", str(disk / "by_hand")]


def test_a_full_disk_is_one_line_that_names_a_file_and_leaves_no_half_file(disk, capsys):
    for command in stages(disk):
        for room in (0, 8192, 65536):
            fill(disk, room)
            assert main(command) == 1
            *_, line = capsys.readouterr().err.splitlines()
            assert line.startswith(f"{command[0]}: [Errno 28] No space left on device: '{disk}/"), line
            assert [path for path in contents(disk) if path.name.startswith((".", "lock"))] == []
            (disk / "filler").unlink()
        assert main(command) == 0


def exact(folder):
    """Bytes by name of the files that hold no times."""
    found = [path for path in contents(folder) if path.suffix in (".safetensors", ".csv", ".npy")]
    timed = {"runs.csv", "checkpoint.safetensors"}
    kept = [
        path for path in found if path.name not in timed and ".state" not in path.parts and ".lineage" not in path.parts
    ]
    return {str(path.relative_to(folder)): path.read_bytes() for path in kept}


def test_a_disk_that_is_full_at_the_nth_file_keeps_what_was_written(tmp_path, monkeypatch, capsys):
    for command in stages(tmp_path / "undisturbed"):
        assert main(command) == 0
    real = os.fsync
    left = itertools.count()

    def full_at_the_nth(handle):
        if next(left) == 0:
            raise OSError(errno.ENOSPC, "no file is named here")
        real(handle)

    monkeypatch.setattr("multibeta.files.os.fsync", full_at_the_nth)
    failures = 0
    strides = {"measure": 8, "report": 40}  # many files each; every file of the other stages
    for command in stages(tmp_path / "disturbed"):
        for n in itertools.count(step=strides.get(command[0], 1)):
            before = exact(tmp_path)
            left = itertools.count(-n)
            capsys.readouterr()
            if main(command) == 0:
                break
            failures += 1
            *_, line = capsys.readouterr().err.splitlines()
            assert line.startswith(f"{command[0]}: [Errno 28] No space left on device: '{tmp_path}/"), line
            assert before.items() <= exact(tmp_path).items() or command[0] in ("measure", "report")
            assert [path for path in contents(tmp_path) if path.name.startswith((".", "lock"))] == []
    assert failures >= 8
    assert exact(tmp_path / "disturbed") == exact(tmp_path / "undisturbed")


def test_a_disk_that_takes_no_more_files_is_one_line_that_names_one(disk, capsys):
    for command in stages(disk):
        for free in (0,) if command[0] == "features" else (0, 3):  # which is one file
            taken = len(list(disk.rglob("*"))) + 1
            subprocess.run(["mount", "-o", f"remount,nr_inodes={taken + free}", str(disk)], check=True)
            capsys.readouterr()
            assert main(command) == 1
            *_, line = capsys.readouterr().err.splitlines()
            assert line.startswith(f"{command[0]}: [Errno 28] No space left on device: '{disk}/"), line
            assert [path for path in contents(disk) if path.name.startswith((".", "lock"))] == []
            subprocess.run(["mount", "-o", "remount,nr_inodes=10000", str(disk)], check=True)
        assert main(command) == 0


def test_a_read_only_disk_is_one_line_that_names_a_file(disk, capsys):
    for command in stages(disk):
        before = contents(disk)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        capsys.readouterr()
        assert main(command) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"{command[0]}: [Errno 30] Read-only file system: '{disk}/"), line
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        assert contents(disk) == before
        assert main(command) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [("size=8k", "[Errno 28] No space left on device"), ("ro", "[Errno 30] Read-only file system")],
    ids=["full", "read-only"],
)
def test_snakemake_says_that_results_cannot_be_written(place, tmp_path, options, message):
    work = place(tmp_path / "work")
    mounted(work.path / "results", options)
    try:
        output = work.run("--cores", "2", status=1)
        assert f"{message}: 'results/tiny/" in output
        assert "Traceback" not in output
        assert [path for path in contents(work.path / "results") if path.name.startswith(".")] == []
    finally:
        subprocess.run(["umount", str(work.path / "results")], check=True)


def test_snakemake_says_that_the_disk_is_full_where_a_log_cannot(place, tmp_path):
    work = place(tmp_path / "work")
    results = mounted(work.path / "results", "size=1m")
    try:
        work.configure(strengths=[1], variants=["beta_vae"])
        work.run("--cores", "1", "--until", "prepare")
        fill(results, 0)
        assert "results: the disk is full" in work.run("--cores", "1", "--until", "train", status=1)
    finally:
        subprocess.run(["umount", str(results)], check=True)
