"""Runs of a study are trained and measured anew: what is untouched is identical, and what is not is told apart."""

import os
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from small_study import small_study

from multibeta.cli import main
from multibeta.files import read_json, write_json
from multibeta.report.drift import Verdict
from multibeta.report.drift_text import drift_table
from multibeta.results import StudyFolder
from multibeta.stages.verify import draw, verify
from multibeta.training import run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return small_study(tmp_path_factory.mktemp("made"))


@pytest.fixture
def study(made, tmp_path):
    """A copy of the study, to be altered."""
    shutil.copytree(made.root, tmp_path / "results")
    return StudyFolder(tmp_path / "results" / made.path.name)


@pytest.fixture
def rounded_otherwise(monkeypatch):
    """Trainings whose last bits are others, as those on more threads are on many processors, but not on all."""
    exact = run.rate_at
    monkeypatch.setattr(run, "rate_at", lambda *asked: exact(*asked) * (1 + 1e-6))


def contents(folder):
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def cell(study, beta):
    return study.cell("digits", "beta_vae", beta)


@pytest.fixture(scope="module")
def drawn(made):
    """The strength and the seed of the run that a verification draws if it is not asked for more."""
    (run,) = verify(made).runs
    return run.place[2], run.seed


def alter_weights(path, seed, name="decoder", factor=1.5):
    tensors = load_file(path)
    (altered, *_) = [each for each in tensors if each.startswith(f"seed{seed}/{name}")]
    tensors[altered] = tensors[altered] * factor
    save_file(tensors, path)


def alter_rows(path, seed, metric, change):
    """Change the rows of a score and a seed, parts and all, in a table of metrics; ``change`` takes and gives them."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    chosen = (table.seed == str(seed)) & (table.metric == metric)
    rows = [table[~chosen], change(table[chosen])]
    pd.concat(rows).to_csv(path, index=False, lineterminator="\n")


def alter_score(path, seed, metric, factor=1.01):
    """The value of a score larger in a table of metrics."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    row = (table.seed == str(seed)) & (table.metric == metric) & (table.factor == "")
    table.loc[row, "value"] = [repr(factor * float(value)) for value in table.value[row]]
    table.to_csv(path, index=False, lineterminator="\n")


def without_state(study):
    shutil.rmtree(study.root / ".state")
    shutil.rmtree(study.root / ".lineage")


def test_an_untouched_study_is_identical_and_only_read(made, capsys):
    before = contents(made.root)
    assert main(["verify", str(made.path), "--share", "1"]) == 0
    assert contents(made.root) == before
    out = capsys.readouterr().out
    assert "small: 4 of 4 runs trained and measured anew" in out
    assert "digits beta_vae at 4, seed 1: identical" in out
    assert out.splitlines()[-1] == "identical: every number and every weight is the same to the last bit."


def test_by_default_one_run_of_few_is_drawn_and_what_is_trained_is_kept_where_asked(made, tmp_path):
    found = verify(made, keep=tmp_path / "kept")
    assert (len(found.runs), found.total, found.verdict) == (1, 4, Verdict.IDENTICAL)
    (models,) = (tmp_path / "kept").rglob("models.safetensors")
    assert {name.split("/")[0] for name in load_file(models)} == {f"seed{found.runs[0].seed}"}


def test_an_altered_weights_file_is_named_also_where_it_is_not_drawn(study, drawn, capsys):
    other = cell(study, "1" if drawn[0] == "4" else "4")
    alter_weights(other.models, 1)
    assert main(["verify", str(study.path)]) == 6
    out = capsys.readouterr().out
    assert f"{other.models}: seed 1: not the weights that its training left in" in out
    assert "altered: a file of the study is not what was written." in out


@pytest.mark.parametrize(
    ("part", "threads", "told"),
    [
        ("decoder", None, "trained anew it has the losses and the scores of the study, but other weights"),
        ("posterior", None, "trained anew it has the losses and the scores of the study, but other weights"),
        ("decoder", 2, "does not score as the study says (reconstruction "),
        ("posterior", 2, "does not encode as codes.npz says; trained anew it does"),
    ],
)
def test_an_altered_weights_file_is_told_from_a_drift_by_training_alone(request, study, drawn, part, threads, told):
    if threads is not None:
        request.getfixturevalue("rounded_otherwise")
    without_state(study)
    beta, seed = drawn
    models = cell(study, beta).models
    alter_weights(models, seed, part)
    found = verify(study, threads=threads)
    assert list(found.altered) == [str(models)]
    assert found.altered[str(models)].startswith(f"seed {seed}: {told}")


def test_a_weights_file_that_cannot_be_read_is_named(study, drawn):
    without_state(study)
    models = cell(study, drawn[0]).models
    content = models.read_bytes()
    models.write_bytes(content[: len(content) // 2])
    found = verify(study)
    assert list(found.altered) == [str(models)]
    assert "damaged" in found.altered[str(models)]


def test_an_altered_table_history_and_codes_are_named_and_not_the_weights(study, drawn):
    beta, seed = drawn
    files = cell(study, beta)
    alter_score(files.metrics, seed, "kl")
    history = files.history.read_text(encoding="utf-8").splitlines()
    (row,) = [number for number, line in enumerate(history) if line.startswith(f"{seed},40,")]
    history[row] = history[row].replace(".", ".1", 1)
    files.history.write_text("\n".join(history) + "\n", encoding="utf-8")
    with np.load(files.codes) as stored:
        codes = {name: stored[name] + 0.1 * (name == f"seed{seed}/mean") for name in stored}
    np.savez(files.codes, **codes)
    found = verify(study)
    assert set(found.altered) == {str(path) for path in (files.metrics, files.history, files.codes)}
    assert "the same weights score otherwise (kl " in found.altered[str(files.metrics)]


def without(rows):
    return rows[:0]


@pytest.mark.parametrize(
    ("metric", "change", "told"),
    [
        ("mig", without, " is missing"),
        ("mig", lambda rows: rows[rows.factor == ""], "mig (dlib19, mean) has other parts (area, digit, "),
        ("mig", lambda rows: rows.assign(n="7"), "rests on n = 7; measured anew on 300"),
        (
            "kl",
            lambda rows: rows.assign(status="not computed: x", value=""),
            'is "not computed: x", measured anew "done"',
        ),
        ("kl", lambda rows: rows.assign(status="", value=""), "has kl (held_out, posterior) with the status ''"),
        ("kl", lambda rows: rows.assign(value=""), "has kl (held_out, posterior) without a value"),
        ("kl", lambda rows: rows.assign(beta="2"), "has a row of digits beta_vae 2"),
        ("kl", lambda rows: pd.concat([rows.assign(value="9.9"), rows]), "has kl (held_out, posterior) twice"),
        ("kl", lambda rows: pd.concat([rows.assign(metric="kl2"), rows]), "kl2 (held_out, posterior) is no score of"),
        ("mse", lambda rows: rows.assign(value=repr(1.0000001 * float(rows.value.item()))), "score otherwise (mse "),
    ],
)
def test_a_table_with_other_rows_than_measuring_writes_is_named(study, drawn, metric, change, told):
    metrics = cell(study, drawn[0]).metrics
    alter_rows(metrics, drawn[1], metric, change)
    found = verify(study)
    assert list(found.altered) == [str(metrics)]
    assert found.altered[str(metrics)].startswith(f"seed {drawn[1]}: ")
    assert told in found.altered[str(metrics)]


def test_a_table_cut_to_its_header_is_named(study, drawn):
    metrics = cell(study, drawn[0]).metrics
    metrics.write_text(metrics.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    assert verify(study).altered == {str(metrics): f"seed {drawn[1]}: has no row of it"}


@pytest.fixture(scope="module")
def of_images(tmp_path_factory):
    """Digits of 8×8 pixels, too small for SSIM, on a machine without the weights of LPIPS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MULTIBETA_WEIGHTS", str(tmp_path_factory.mktemp("none")))
        yield small_study(tmp_path_factory.mktemp("of_images"), [4], ["kl", "ssim", "lpips"])


def test_what_could_not_be_computed_then_nor_now_is_as_it_was(of_images):
    found = verify(of_images)
    assert found.verdict == Verdict.IDENTICAL
    assert drift_table(found).endswith("identical: every number and every weight is the same to the last bit.")


def forged(of_images, tmp_path, metric):
    """A copy of the study in which a metric that could not be computed has a number, of both seeds."""
    shutil.copytree(of_images.root, tmp_path / "results")
    study = StudyFolder(tmp_path / "results" / of_images.path.name)
    for seed in (0, 1):
        alter_rows(cell(study, "4").metrics, seed, metric, lambda rows: rows.assign(status="done", n="60", value="0.9"))
    return study


def test_a_number_that_no_machine_computes_of_the_run_is_an_altered_table(of_images, tmp_path):
    study = forged(of_images, tmp_path, "ssim")
    (why,) = verify(study).altered.values()
    assert 'ssim (wang04, reconstruction) is "done", measured anew "not computed: images of 8×8' in why


def test_a_number_that_needs_weights_which_are_not_here_is_said_not_to_be_checked(of_images, tmp_path):
    found = verify(forged(of_images, tmp_path, "lpips"))
    assert (found.verdict, found.altered) == (Verdict.IDENTICAL, {})
    text = drift_table(found)
    assert "  not checked: lpips: not computed: AlexNet weights absent" in text
    last = "identical: every number that could be checked and every weight is the same to the last bit."
    assert text.splitlines()[-1] == last


def test_with_other_code_missing_rows_are_no_reason_to_accuse_unless_other_runs_have_them(study, drawn):
    write_json(study.provenance, {"git_commit": "0" * 40})
    alter_rows(cell(study, drawn[0]).metrics, drawn[1], "mig", without)
    (why,) = verify(study).altered.values()
    assert why.endswith(" is missing")
    for beta in ("1", "4"):
        for seed in (0, 1):
            alter_rows(cell(study, beta).metrics, seed, "mig", without)
    found = verify(study)
    assert (found.verdict, found.altered) == (Verdict.IDENTICAL, {})
    assert "every number that could be checked" in drift_table(found)
    assert found.runs[0].left_out == {"mig": "in no run of the study, perhaps a score of newer code"}


def test_what_code_measured_that_names_its_evaluation_otherwise_is_held_against_this_one(study):
    description = read_json(study.study)
    for spec in description["cells"]:
        costs = cell(study, spec["strength"]).costs
        write_json(costs, {**read_json(costs), "evaluation": "0" * 16})
        spec["evaluation_fingerprint"] = "0" * 16
    write_json(study.study, description)
    found = verify(study)
    assert (found.verdict, found.altered) == (Verdict.IDENTICAL, {})
    assert len(found.runs[0].trained) > 10


def test_with_other_code_a_changed_row_is_unexplained(study, drawn):
    write_json(study.provenance, {"git_commit": "0" * 40})
    alter_rows(cell(study, drawn[0]).metrics, drawn[1], "kl", lambda rows: rows.assign(n="7"))
    found = verify(study)
    assert (found.verdict, found.altered) == (Verdict.UNEXPLAINED, {})
    assert "  otherwise than then: kl rests on n = 7; measured anew on 60" in drift_table(found)


def alter_tensors(path, change):
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def alter_arrays(path, change):
    with np.load(path) as stored:
        arrays = dict(stored)
    change(arrays)
    np.savez(path, **arrays)


def without_seed(arrays, seed):
    for name in [name for name in arrays if name.startswith(f"seed{seed}/")]:
        del arrays[name]


def with_seed_7(tensors):
    tensors |= {name.replace("seed0", "seed7"): tensor.clone() for name, tensor in tensors.items() if "seed0" in name}


@pytest.mark.parametrize("name", ["models.safetensors", "codes.npz"])
def test_a_file_without_a_finished_run_beside_others_is_named(study, drawn, name):
    path = cell(study, drawn[0]).path / name
    alter = alter_tensors if path.suffix == ".safetensors" else alter_arrays
    alter(path, lambda arrays: without_seed(arrays, drawn[1]))
    assert verify(study).altered == {str(path): f"holds nothing of seed {drawn[1]}, which cell.json says is done"}


def test_weights_of_a_run_that_is_not_of_the_cell_are_named_also_where_it_is_not_drawn(study, drawn):
    models = cell(study, "1" if drawn[0] == "4" else "4").models
    alter_tensors(models, with_seed_7)
    assert verify(study).altered == {str(models): "holds something of seed 7, which cell.json does not say is done"}


def test_a_history_that_is_gone_or_holds_no_numbers_is_named(study, drawn):
    history = cell(study, drawn[0]).history
    content = history.read_text(encoding="utf-8")
    history.unlink()
    assert verify(study).altered == {str(history): "is missing"}
    lines = content.splitlines()
    lines[-1] = lines[-1].rpartition(",")[0] + ",abc"
    history.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert verify(study).altered == {str(history): "damaged (could not convert string to float: 'abc')"}


def test_a_matrix_behind_a_score_that_was_altered_is_named(study, drawn):
    path = cell(study, drawn[0]).arrays
    name = f"seed{drawn[1]}/mig/dlib19/mean/mutual_information"

    def alter(arrays):
        arrays[name] = arrays[name] * 1.000001

    alter_arrays(path, alter)
    told = f"seed {drawn[1]}: mig/dlib19/mean/mutual_information is not what is measured anew"
    assert verify(study).altered == {str(path): told}
    path.write_bytes(b"no archive")
    assert "damaged" in verify(study).altered[str(path)]


def test_repeats_that_would_widen_an_interval_are_named_where_their_run_is_drawn(study):
    repeats = cell(study, "4").repeats
    table = pd.read_csv(repeats, dtype=str)
    table.loc[table.metric_seed == "1", "value"] = "0.77"
    table.to_csv(repeats, index=False, lineterminator="\n")
    (told,) = verify(study, share=1).altered.items()
    assert told[0] == str(repeats)
    assert "by the metrics' seed 1 is 0.77, not so anew" in told[1]


def test_a_spec_that_asks_for_something_else_than_the_study_is_named(study, drawn):
    spec = cell(study, "1" if drawn[0] == "4" else "4").spec
    content = read_json(spec)
    content["training"]["learning_rate"] = 0.5
    write_json(spec, content)
    assert verify(study).altered == {str(spec): "asks for something else than study.json"}


@pytest.mark.parametrize(
    ("fact", "value", "told"),
    [
        ("steps", 99999, "steps is 99999, trained anew 40"),
        ("parameters", 1, "parameters is 1, trained anew "),
        ("identity", {"strength": "2"}, "its identity is not what its fingerprint is of"),
    ],
)
def test_a_fact_of_a_run_that_its_training_does_not_give_again_is_named(study, drawn, fact, value, told):
    path = cell(study, drawn[0]).cell
    facts = read_json(path)
    facts["runs"][str(drawn[1])][fact] = value
    write_json(path, facts)
    found = verify(study)
    assert list(found.altered) == [str(path)]
    assert found.altered[str(path)].startswith(f"seed {drawn[1]}: {told}")


def test_nothing_is_taken_from_what_the_trainings_left(study):
    for path in (study.root / ".state").glob("*/finished.safetensors"):
        path.write_bytes(b"")
    assert verify(study).verdict == Verdict.IDENTICAL


def test_an_altered_state_is_not_laid_to_the_weights(study, drawn):
    fingerprint = read_json(cell(study, drawn[0]).cell)["runs"][str(drawn[1])]["fingerprint"]
    kept = study.root / ".state" / fingerprint / "finished.safetensors"
    tensors = load_file(kept)
    save_file({name: tensor + 1 for name, tensor in tensors.items()}, kept)
    assert list(verify(study).altered) == [str(kept.parent)]


def test_an_altered_dataset_is_named_and_nothing_is_trained_on_it(study):
    (held_out,) = (study.root / ".data").glob("*/held_out.npy")
    np.save(held_out, ~np.load(held_out))
    found = verify(study)
    assert list(found.altered) == [str(held_out)]
    assert found.runs == []
    assert found.verdict == Verdict.ALTERED


def test_a_card_that_was_altered_with_its_dataset_is_named_by_what_the_report_said(study):
    card = next((study.root / ".data").glob("*/card.json"))
    write_json(study.provenance, {"git_commit": "", "datasets": {"digits": read_json(card)["sha256"]}})
    assert verify(study).altered == {}
    write_json(study.provenance, {"git_commit": "", "datasets": {"digits": {"images": "0" * 64}}})
    assert verify(study).altered == {str(card): "names other content than provenance.json of the report"}


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core sums in one order")
def test_another_number_of_threads_is_within_rounding_and_said(made, rounded_otherwise, capsys):
    assert main(["verify", str(made.path), "--threads", "2"]) == 3
    out = capsys.readouterr().out
    assert "unlike then: threads: 1 → 2" in out
    assert "within rounding: every number is within its interval, and what differs from then rounds otherwise." in out
    assert "moved" not in out


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core sums in one order")
@pytest.mark.parametrize(("metric", "factor"), [("mig", 1.2), ("reconstruction", 1.002)])
def test_the_stored_weights_are_measured_with_the_threads_of_then_and_must_score_the_same(study, drawn, metric, factor):
    metrics = cell(study, drawn[0]).metrics
    alter_score(metrics, drawn[1], metric, factor)
    found = verify(study, threads=2)
    assert list(found.altered) == [str(metrics)]
    assert f"the same weights score otherwise ({metric} " in found.altered[str(metrics)]


def verify_on_another_processor(study):
    if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
        pytest.skip("PyTorch has no other kernels for this processor")
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": "default"}
    command = [sys.executable, "-m", "multibeta.cli", "verify", str(study.path)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_on_another_processor_a_smooth_score_that_the_weights_do_not_have_is_an_altered_table(study, drawn):
    without_state(study)
    metrics = cell(study, drawn[0]).metrics
    alter_score(metrics, drawn[1], "reconstruction", 1.0001)
    done = verify_on_another_processor(study)
    assert done.returncode == 6, done.stderr
    assert f"{metrics}: seed {drawn[1]}: the same weights score otherwise (reconstruction " in done.stdout
    assert "models.safetensors:" not in done.stdout


def test_on_another_processor_it_is_within_rounding_and_no_file_is_called_altered(study):
    without_state(study)
    done = verify_on_another_processor(study)
    assert re.search(r"^unlike then: kernels: \w+ → DEFAULT$", done.stdout, flags=re.MULTILINE), done.stderr
    assert "altered" not in done.stdout
    assert done.returncode == 3


def test_a_training_that_comes_to_something_else_has_moved_and_no_file_is_called_altered(study, drawn, tmp_path):
    """What lies there is of a longer training than its spec asks for, and consistent in itself."""
    longer = small_study(tmp_path / "longer", [float(drawn[0])], budget="200 steps")
    without_state(study)
    for name in ("models.safetensors", "history.csv", "codes.npz", "metrics.csv", "repeats.csv", "arrays.npz"):
        shutil.copy(cell(longer, drawn[0]).path / name, cell(study, drawn[0]).path / name)
    found = verify(study)
    assert found.altered == {}
    assert found.verdict == Verdict.MOVED
    (run,) = found.runs
    assert Verdict.MOVED in {each.verdict for each in run.trained}
    assert {each.verdict for each in run.stored} == {Verdict.IDENTICAL}
    text = drift_table(found, everything=True)
    assert re.search(r"^    reconstruction +held_out, posterior +\d", text, flags=re.MULTILINE)
    assert re.search(r" moved beyond the interval$", text, flags=re.MULTILINE)
    assert "as then: threads, processor" in text


def as_in_an_archive(study):
    for beta in ("1", "4"):
        cell(study, beta).models.unlink()
        cell(study, beta).codes.unlink()
    for images in (study.root / ".data").glob("*/*.npy"):
        images.unlink()


def test_without_weights_an_altered_number_is_told_by_the_training_that_has_the_losses_of_then(study, drawn):
    as_in_an_archive(study)
    metrics = cell(study, drawn[0]).metrics
    alter_score(metrics, drawn[1], "mse", 1.000001)
    (told,) = verify(study).altered.items()
    assert told[0] == str(metrics)
    assert "the same weights score otherwise (mse " in told[1]


def test_without_weights_and_images_as_in_an_archive_the_numbers_are_verified(study):
    as_in_an_archive(study)
    before = contents(study.root)
    found = verify(study)
    assert found.verdict == Verdict.IDENTICAL
    (run,) = found.runs
    assert (run.stored, run.weights, run.losses) == (None, None, 0)
    assert list(run.left_out) == ["udr"]
    assert len(run.trained) > 10
    assert contents(study.root) == before
    text = drift_table(found)
    assert "the study holds no weights of it that could be measured" in text
    assert text.splitlines()[-1] == (
        "identical: every number that could be checked is the same to the last bit; "
        "of 1 of 1 runs the study holds no weights."
    )


def test_a_diverged_run_diverges_anew(tmp_path):
    explodes = {"learning_rate": 1, "likelihood": "gaussian", "noise_std": 1e-9}
    found = verify(small_study(tmp_path, [1], **explodes))
    assert found.runs[0].ended == ("diverged", "diverged")
    assert found.verdict == Verdict.IDENTICAL


def test_what_is_not_trained_or_ended_by_the_clock_is_passed_over_and_counted(study):
    cell(study, "4").metrics.unlink()
    facts = read_json(cell(study, "1").cell)
    facts["runs"]["0"]["status"] = "timeout"
    write_json(cell(study, "1").cell, facts)
    found = verify(study, share=1)
    assert found.passed_over == {"not measured yet": 2, "ended as timeout": 1}
    assert [(run.place[2], run.seed) for run in found.runs] == [("1", 1)]
    assert "not drawn from: 2 runs, not measured yet" in drift_table(found)


def test_a_draw_is_spread_over_the_cells_and_the_same_for_a_seed():
    runs = [({"cell": place}, [0, 1, 2]) for place in range(10)]
    few = draw(runs, 0.2, seed=0)
    assert [len(seeds) for _, seeds in few] == [1] * 6
    assert few == draw(runs, 0.2, seed=0)
    assert few != draw(runs, 0.2, seed=1)
    assert sorted(len(seeds) for _, seeds in draw(runs, 0.5, seed=0)) == [1] * 5 + [2] * 5
    assert draw(runs, 1, seed=0) == runs
    assert len(draw(runs, 0.001, seed=0)) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_it_measures_leaves_no_temporary_folder(made, tmp_path, number):
    code = (
        "import os, signal, sys\n"
        "from multibeta.cli import main\n"
        "from multibeta.stages import anew\n"
        # What is started in the background may have been told to ignore it.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "measure = anew.measure_both\n"
        f"anew.measure_both = lambda *all: (os.kill(os.getpid(), {number:d}), measure(*all))[1]\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-c", code, "verify", str(made.path)]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert not list(tmp_path.glob("multibeta-verify-*"))


def refused(capsys, *arguments):
    assert main(["verify", *map(str, arguments)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_what_cannot_be_verified_is_said_in_one_line(study, tmp_path, capsys):
    assert "no study there" in refused(capsys, tmp_path)
    assert "lies inside the study" in refused(capsys, study.path, "--keep", study.path / "new")
    assert "is there already" in refused(capsys, study.path, "--keep", tmp_path)
    description = read_json(study.study)
    for spec in description["cells"]:
        facts = read_json(cell(study, spec["strength"]).cell)
        for seed in ("0", "1"):
            spec["fingerprints"][seed] = facts["runs"][seed]["fingerprint"] = "0" * 16
        write_json(cell(study, spec["strength"]).cell, facts)
        cell(study, spec["strength"]).costs.unlink()
    write_json(study.study, description)
    assert "would be another run with this code" in refused(capsys, study.path)
    for beta in ("1", "4"):
        cell(study, beta).cell.unlink()
    assert "nothing to verify" in refused(capsys, study.path)


@pytest.mark.parametrize("wrong", [["--share", "0"], ["--share", "x"], ["--threads", "0"], ["--threads", "2.5"]])
def test_arguments_out_of_range_are_wrong_usage(made, wrong, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["verify", str(made.path), *wrong])
    assert wrong[0] in capsys.readouterr().err
