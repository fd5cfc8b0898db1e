"""The report of a study on disk: complete, incomplete, empty; and what must never be in it."""

import json
import re
import shutil
from dataclasses import replace
from itertools import product
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from multibeta import registry
from multibeta.cli import main
from multibeta.files import read_table, write_json, write_table
from multibeta.metrics._features import DomainFeatures
from multibeta.report.findings import GALLERIES
from multibeta.report.markdown import markdown
from multibeta.results import METRICS_COLUMNS, REPEATS_COLUMNS, RUNS_COLUMNS, StudyFolder, data_folder
from multibeta.stages.prepare import prepare
from multibeta.stages.references import known_references, write_references
from multibeta.stages.report import report
from multibeta.stages.shared.gather import gather
from multibeta.stages.shared.specs import write_specs
from multibeta.study import Study

CONFIG = {
    "name": "made",
    "datasets": {
        "sprites": {"training": {"architecture": "small_conv"}},
        "digits": {"training": {"architecture": "mlp"}},
    },
    "variants": {"beta_vae": {}, "cvae": {}},
    "strengths": [1, 4],
    "seeds": 3,
    "evaluation": {
        "metrics": [
            *("reconstruction", "kl", "elbo", "active_units", "mig", "mig_sup", "dci", "ssim", "psnr", "mse"),
            *("fd_domain", "fid", "lpips", "controllability"),
        ],
        "protocols": ["dlib19"],
    },
    "report": {"title": "A made-up study"},
}
WEIGHTS = "not computed: weights absent"
FACTORS = {"sprites": ("shape", "scale", "x", "y"), "digits": ("digit", "area", "thickness", "slant", "width")}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A results folder with every cell of the study, its numbers made up."""
    root = tmp_path_factory.mktemp("results")
    study = Study.parse(CONFIG)
    write_specs(study, root)
    for cell in study.cells:
        _make(cell, root)
    for dataset in CONFIG["datasets"]:
        write_references(StudyFolder(root / "made"), dataset)
    return root


@pytest.fixture(scope="module")
def reported(finished, tmp_path_factory):
    """The folder of that study with its report."""
    root = tmp_path_factory.mktemp("reported") / "results"
    shutil.copytree(finished, root)
    report(root / "made")
    return StudyFolder(root / "made")


@pytest.fixture
def root(finished, tmp_path):
    """A copy of it to spoil."""
    shutil.copytree(finished, tmp_path / "results")
    return tmp_path / "results"


def _make(cell, root):
    data = data_folder(root, cell.data_key)
    if not (data / "card.json").exists():
        prepare(cell.dataset.name, {}, data)
        DomainFeatures(
            accuracy={"shape": 0.98}, floor=0.02, ladders={"blur": {"1": 0.1, "2": 0.2}, "noise": {"0.1": 0.3}}
        ).save(data / "features.safetensors")
    folder = cell.folder(root)
    run = {
        "status": "done",
        "reason": "",
        "steps": 100,
        "epochs": 4.0,
        "seconds": 2.0,
        "images_per_second": 3200.0,
        "device": "cpu",
        "threads": 1,
        "peak_memory_mb": 500.0,
        "parameters": 1000,
    }
    facts = {
        "dataset": cell.dataset.name,
        "variant": cell.variant.name,
        "beta": cell.strength,
        "symbol": "β",
        "condition": cell.condition(),
        "runs": {str(seed): {**run, "fingerprint": cell.run_fingerprint(seed)} for seed in cell.seeds},
        "versions": {"python": "3.11"},
        "hardware": {"processor": "abacus"},
    }
    write_json(folder.cell, facts)
    write_json(folder.costs, {str(seed): 0.25 for seed in cell.seeds})
    write_table(folder.metrics, pd.concat([_metrics(cell, seed) for seed in cell.seeds], ignore_index=True))
    folder.figures.mkdir()
    names = [name for name in GALLERIES if name != "conditional_samples" or cell.condition()]
    for name in names:
        Image.fromarray(np.full((4, 4), 128, np.uint8)).save(folder.figures / f"{name}.png")


def _metrics(cell, seed):
    rows = []
    for name in cell.metric_names:
        metric = registry.find("metric", name)
        recipes = product(metric.recipes(cell.evaluation.protocols), metric.representations(), metric.all_scores())
        for protocol, representation, score in recipes:
            status, value = "done", float(cell.strength) / 10 + seed / 100
            if name in ("fid", "lpips"):
                status, value = WEIGHTS, None
            if name == "ssim" and cell.dataset.name == "digits":
                status, value = "not computed: images of 8×8 are too small", None
            parts = FACTORS[cell.dataset.name] if name == "mig" else ()
            for factor in ("", *parts):
                rows.append((protocol, representation, score, factor, value, 10, status))
    table = pd.DataFrame(rows, columns=list(METRICS_COLUMNS[4:]))
    return table.assign(dataset=cell.dataset.name, variant=cell.variant.name, beta=cell.strength, seed=seed)[
        list(METRICS_COLUMNS)
    ]


def text_of(root):
    folder = StudyFolder(root / "made")
    return markdown(replace(gather(folder), references=known_references(folder)))


def section(text, heading):
    return text.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def spoil_run(root, seed="1", **changes):
    path = StudyFolder(root / "made").cell("sprites", "beta_vae", "4").cell
    facts = json.loads(path.read_text(encoding="utf-8"))
    facts["runs"][seed].update(changes)
    write_json(path, facts)


def test_a_complete_study_says_so_and_writes_every_file(reported):
    text = reported.report_markdown.read_text(encoding="utf-8")
    assert text.startswith("# A made-up study\n\n> **Complete.** All 24 runs")
    for name in ("tradeoff", "rate_distortion"):
        assert {path.suffix for path in reported.figures.glob(f"{name}.*")} == {".png", ".svg", ".pdf"}
    assert read_table(reported.runs).columns.tolist() == list(RUNS_COLUMNS)
    assert read_table(reported.metrics).columns.tolist() == list(METRICS_COLUMNS)
    assert len(read_table(reported.runs)) == 24
    kinds = ("core", "differences_strengths", "differences_variants", "differences_equal_rate")
    names = {f"{dataset}_{kind}" for dataset in FACTORS for kind in (*kinds, "differences_equal_reconstruction")}
    assert {path.stem for path in reported.tables.iterdir()} == {*names, "settings", "methods"}
    assert not list(reported.path.rglob(".*"))


def test_runs_repeat_the_measures_and_costs_of_each_run(root):
    runs = gather(StudyFolder(root / "made")).runs
    row = runs[(runs.dataset == "sprites") & (runs.variant == "cvae") & (runs.beta == "4") & (runs.seed == 2)].iloc[0]
    assert (row.status, row.kl, row.seconds, row.evaluation_seconds) == ("done", pytest.approx(0.42), 2.0, 0.25)


def test_means_stand_in_the_table_with_half_their_interval(root):
    results = section(text_of(root), "Results")
    row = next(line for line in results.splitlines() if line.startswith("| β-VAE | 4 |"))
    assert "0.410 ± 0.025" in row  # 0.40, 0.41, 0.42: t(0.975; 2) · 0.01 / √3


def test_every_column_names_its_protocol_and_codes_are_kept_apart(root):
    results = section(text_of(root), "Results")
    headers = {
        heading: table.partition("| variant")[2].splitlines()[0]
        for heading, table in re.findall(r"<summary>(.*?)</summary>(.*?)</details>", results, flags=re.DOTALL)
    }
    for codes in ("mean", "sampled"):
        assert "| MIG ↑ |" in headers[f"Disentanglement: dlib19, {codes} codes"]
    assert "PSNR ↑<br>dB · reconstruction<br>held_out" in headers["Rate, distortion and reconstructions"]
    assert "Controllability ↑" in headers["Controllability"]
    assert not any("FID" in header for header in headers.values())


def test_scores_stand_beside_those_of_perfect_and_random_codes(root):
    results = section(text_of(root), "Results")
    table = results.partition("Disentanglement: dlib19, mean codes")[2].partition("</details>")[0]
    rows = [[cell.strip(" *") for cell in line.split("|")] for line in table.splitlines() if line.startswith("|")]
    mig = rows[0].index("MIG ↑")
    scores = {row[1]: row[mig] for row in rows}
    assert float(scores["perfect codes"]) > 0.9
    assert float(scores["rotated perfect codes"]) < 0.2
    assert float(scores["random codes"]) < 0.05


def test_cells_are_held_against_the_targets(root):
    targets = section(text_of(root), "Against targets")
    rows = [line for line in targets.splitlines() if line.startswith("| β-VAE")]
    assert "0.110 not reached" in rows[0]
    assert "0.410 **good**" in rows[1]
    assert "| 0.50 |" in rows[0]  # 2 seconds for 4 epochs
    assert "Not computed for any cell: FID" in targets


def test_a_study_may_have_targets_of_its_own(root):
    path = StudyFolder(root / "made").study
    study = json.loads(path.read_text(encoding="utf-8"))
    study["report"]["targets"] = [{"metric": "seconds_per_epoch", "name": "quick", "above": None, "below": 1.0}]
    write_json(path, study)
    assert "0.500 **quick**" in section(text_of(root), "Against targets")


def test_published_values_stand_beside_those_of_the_study(root):
    entry = {
        **{"dataset": "sprites", "variant": "beta_vae", "strength": 4, "metric": "mig", "protocol": "dlib19"},
        **{"representation": "mean", "value": 0.9, "source": "Somebody 2020, https://example.org/paper"},
    }
    write_specs(Study.parse({**CONFIG, "report": {"published": [entry]}}), root)
    (row,) = (line for line in section(text_of(root), "Beside published values").splitlines() if "example.org" in line)
    values = gather(StudyFolder(root / "made")).metrics.query(
        "dataset == 'sprites' and variant == 'beta_vae' and beta == '4' and metric == 'mig' and factor == '' "
        "and protocol == 'dlib19' and representation == 'mean'"
    )
    assert f"| 3 | {values.value.mean():.3f} ± " in row
    assert "| 0.900 |" in row
    report(root / "made")
    assert 'href="https://example.org/paper"' in StudyFolder(root / "made").report_html.read_text(encoding="utf-8")


def test_a_study_of_before_there_were_published_values_is_still_read(root):
    path = StudyFolder(root / "made").study
    study = json.loads(path.read_text())
    del study["report"]["published"]
    write_json(path, study)
    assert gather(StudyFolder(root / "made")).published == []


def test_what_is_not_computed_is_grouped_by_reason_and_counted(root):
    lines = section(text_of(root), "Not computed, and why").splitlines()
    assert any(
        "FID, LPIPS" in line and "sprites (12 runs), digits (12 runs)" in line and "weights absent" in line
        for line in lines
    )
    assert any("SSIM" in line and "digits (12 runs)" in line and "8×8" in line for line in lines)


def test_a_diverged_run_is_named_and_kept_out_of_the_mean(root):
    spoil_run(root, status="diverged", reason="the loss is nan at step 7")
    path = StudyFolder(root / "made").cell("sprites", "beta_vae", "4").metrics
    table = read_table(path)
    table.loc[table.seed == 1, ["value", "status"]] = [
        None,
        "not computed: training diverged: the loss is nan at step 7",
    ]
    write_table(path, table)
    text = text_of(root)
    assert "**Incomplete: 23 of 24 runs done.**" in text
    assert "**diverged** (the loss is nan at step 7): sprites · β-VAE · β = 4 (seed 1)" in text
    assert "| β-VAE | 4 | 2 of 3 |" in section(text, "Results")
    summary = gather(StudyFolder(root / "made")).summary
    row = summary[
        (summary.dataset == "sprites")
        & (summary.variant == "beta_vae")
        & (summary.beta == "4")
        & (summary.metric == "kl")
    ].iloc[0]
    assert (row["mean"], row.seeds, row.excluded) == (pytest.approx(0.41), 2, 1)


def test_a_missing_cell_is_named_not_raised(root):
    shutil.rmtree(StudyFolder(root / "made").cell("digits", "cvae", "1").path)
    text = text_of(root)
    assert "21 of 24 runs done" in text
    assert "**missing**: digits · CVAE · β = 1" in text
    assert "No figures of β = 1." in text
    assert gather(StudyFolder(root / "made")).runs.status.value_counts().to_dict() == {"done": 21, "missing": 3}


def test_results_of_another_spec_count_as_missing(root):
    spoil_run(root, fingerprint="0" * 16)
    text = text_of(root)
    assert "**missing** (what lies there was trained from another spec): sprites · β-VAE · β = 4 (seed 1)" in text
    metrics = gather(StudyFolder(root / "made")).metrics
    assert (
        len(
            metrics[
                (metrics.dataset == "sprites") & (metrics.variant == "beta_vae") & (metrics.beta == "4")
            ].seed.unique()
        )
        == 2
    )


def test_a_cell_that_is_trained_but_not_measured_is_said_to_be_so(root):
    folder = StudyFolder(root / "made").cell("digits", "cvae", "1")
    folder.metrics.unlink()
    shutil.rmtree(folder.figures)
    text = text_of(root)
    assert "**trained, not measured**: digits · CVAE · β = 1" in text
    assert "**no figures**: digits · CVAE · β = 1" in text


def test_only_cells_and_seeds_of_the_study_are_reported(root):
    smaller = Study.parse({**CONFIG, "strengths": [4], "seeds": [0, 2]})
    write_specs(smaller, root)
    text = text_of(root)
    assert "**Complete.** All 8 runs" in text
    metrics = gather(StudyFolder(root / "made")).metrics
    assert set(metrics.beta) == {"4"}
    assert set(metrics.seed) == {0, 2}
    assert "beta~1" not in text


def test_a_study_without_any_result_still_has_a_report(tmp_path):
    write_specs(Study.parse(CONFIG), tmp_path)
    report(tmp_path / "made")
    text = (tmp_path / "made" / "report.md").read_text(encoding="utf-8")
    assert "**Incomplete: 0 of 24 runs done.**" in text
    assert "not prepared yet" in text
    assert "No measure yet against β on a log axis" in text


def test_a_folder_without_a_study_is_an_error_of_one_line(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no study there \(study.json is missing\)"):
        report(tmp_path)


DAMAGES = {
    "a column is lost": ("metrics.csv", lambda text: text.replace("value", "valeu", 1), "no column value"),
    "a number is none": ("metrics.csv", lambda text: re.sub(r",[\d.]+(,\d+,done)", r",x\1", text, count=1), "'x'"),
    "cut off": ("metrics.csv", lambda text: "", "No columns to parse"),
    "no table": ("metrics.csv", lambda text: text + '"', "EOF inside string"),
    "no runs": ("cell.json", lambda text: "{}", "runs: is required"),
    "a list": ("cell.json", lambda text: "[]", "must be a mapping"),
    "no fingerprint": ("cell.json", lambda text: text.replace('"fingerprint"', '"print"'), "fingerprint: is required"),
    "half written": ("cell.json", lambda text: text[:40], "line"),
    "costs of another kind": ("costs.json", lambda text: "[1]", "must be a mapping"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_of_a_cell_is_named_in_a_line(root, damage, capsys):
    name, alter, why = DAMAGES[damage]
    path = root / "made/cells/sprites/beta_vae/beta~4" / name
    path.write_text(alter(path.read_text()))
    assert main(["report", str(root / "made")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"report: {path}: damaged (")
    assert why in line
    assert line.endswith("); remove it and make it again")


def test_equal_results_give_equal_bytes(reported):
    def written():
        return {path: path.read_bytes() for path in reported.path.rglob("*") if path.is_file()}

    first = written()
    assert report(reported.path) == reported.report_html
    assert written() == first


def test_the_page_needs_nothing_beside_it(reported):
    page = reported.report_html.read_text(encoding="utf-8")
    pictures = 5 + 2 + 2 * 2 * (len(GALLERIES) - 1) + 2 * 2 * len(GALLERIES)
    assert page.count('src="data:image/png;base64,') == pictures
    assert 'src="cells' not in page
    assert str(reported.root) not in page


def test_the_tables_of_a_paper_say_what_the_report_says(reported):
    core = (reported.tables / "sprites_core.tex").read_text(encoding="utf-8")
    (row,) = [line for line in core.splitlines() if line.startswith(r"$\beta$-VAE & 4 & 3 &")]
    assert r"0.410 & $\pm$\,0.025" in row  # 0.40, 0.41, 0.42: t(0.975; 2) · 0.01 / √3
    assert "MIG by dlib19, mean" in core.replace("\n% ", " ")
    assert "Not computed for any cell: FID." in core.replace("\n% ", " ")
    settings = (reported.tables / "settings.tex").read_text(encoding="utf-8")
    assert r"architecture & sprites & small\_conv \\" in settings
    assert r" & digits & mlp \\" in settings
    assert r"latents & all & 10 \\" in settings


def test_what_is_written_for_latex_is_printed(reported, typeset):
    tables = [path.read_text(encoding="utf-8") for path in sorted(reported.tables.iterdir())]
    page = typeset(
        r"MIG is \mbMigSpritesBetaVaeFourPM{} and FID \mbFidSpritesCvaeOne." + "\n\n".join(["", *tables]),
        reported.numbers.read_text(encoding="utf-8"),
    )
    assert "MIG is 0.410 ± 0.025 and FID not computed." in page
    assert page.count("Controllability") == 10
    assert "0.410 ± 0.025" in page


def test_the_document_of_the_page_is_printed(reported, typeset):
    page = (Path(__file__).parents[2] / "docs/how-to/writing.md").read_text(encoding="utf-8")
    (document,) = re.findall(r"```latex\n(.*?)```", page, flags=re.DOTALL)
    preamble, _, body = document.replace("results/default", str(reported.path)).partition(r"\begin{document}")
    printed = typeset(body.removesuffix("\\end{document}\n"), preamble[preamble.index(r"\input") :])
    assert "At β = 4, MIG on sprites is 0.410 (95 % interval [0.385, 0.435], n = 3)" in printed
    assert "Table 1: Core measures on sprites." in printed


def test_for_a_template_figures_are_as_wide_as_its_page_and_its_columns(root):
    path = StudyFolder(root / "made").study
    study = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, {**study, "report": {**study["report"], "column": "icml"}})
    report(root / "made")
    figures = StudyFolder(root / "made").figures
    for name, inches in {"tradeoff": 6.75, "tradeoff_sprites_column": 3.25, "differences_digits_column": 3.25}.items():
        assert re.search(rf"/MediaBox \[ ?0 0 {72 * inches:g} ".encode(), (figures / f"{name}.pdf").read_bytes())


def test_a_large_study_links_to_its_pictures_and_its_parts(root, monkeypatch):
    monkeypatch.setattr("multibeta.report.gallery.MOST_EMBEDDED", 20)
    monkeypatch.setattr("multibeta.report.tables.MOST_PARTS", 10)
    report(root / "made")
    folder = StudyFolder(root / "made")
    page = folder.report_html.read_text(encoding="utf-8")
    linked = re.findall(r'<img src="(cells/[^"]+)"', page)
    assert len(linked) == 2 * 2 * (2 * len(GALLERIES) - 1)
    assert all((folder.path / unquote(path)).is_file() for path in linked)
    assert 'src="data:image/png;base64,' in page
    text = folder.report_markdown.read_text(encoding="utf-8")
    assert f"These are {len(linked)} pictures, more than the 20 that report.html would hold" in text
    assert "more than the 10 that a page would hold: see [summary.csv](summary.csv)" in section(text, "By factor")
    assert "<table" not in page.partition('id="by-factor"')[2].partition("<h2")[0]


def test_links_of_the_markdown_lead_somewhere(reported):
    text = reported.report_markdown.read_text(encoding="utf-8")
    links = re.findall(r'(?:src="|\]\()([^")#]+)', text)
    local = [link for link in links if not link.startswith("http")]
    assert len(local) > 30
    assert all((reported.path / unquote(link)).is_file() for link in local)


def test_an_entry_with_a_name_of_its_own_is_not_mistaken_for_the_plug_in(tmp_path):
    variants = {"beta_vae": {}, "narrow": {"variant": "beta_vae", "training": {"latents": 2}}}
    study = Study.parse({**CONFIG, "datasets": {"digits": {"training": {"architecture": "mlp"}}}, "variants": variants})
    write_specs(study, tmp_path)
    for cell in study.cells:
        _make(cell, tmp_path)
    rows = section(text_of(tmp_path), "Results")
    assert "| β-VAE | 4 |" in rows
    assert "| narrow (β-VAE) | 4 |" in rows


def test_a_factor_of_any_name_cannot_break_the_page(root):
    findings = gather(StudyFolder(root / "made"))
    named = {"x": "<script>x|y"}
    card = findings.cards["sprites"]
    factors = [{**factor, "name": named.get(factor["name"], factor["name"])} for factor in card["factors"]]
    cards = {**findings.cards, "sprites": {**card, "factors": factors}}
    text = markdown(replace(findings, cards=cards, summary=findings.summary.replace({"factor": named})))
    assert r"| shape | scale | &lt;script&gt;x\|y | y |" in section(text, "By factor")
    assert "<script>" not in text


def test_the_variance_of_a_score_is_split_and_stands_beside_that_of_the_metric(root):
    repeats = [
        {
            "dataset": "sprites",
            "variant": "beta_vae",
            "beta": beta,
            "seed": 0,
            "metric_seed": seed,
            "protocol": "dlib19",
        }
        | {"representation": "mean", "metric": "mig", "value": 0.2 + 0.002 * seed}
        for beta in ("1", "4")
        for seed in (0, 1)
    ]
    for beta in ("1", "4"):
        own = pd.DataFrame([row for row in repeats if row["beta"] == beta])
        write_table(StudyFolder(root / "made").cell("sprites", "beta_vae", beta).repeats, own[list(REPEATS_COLUMNS)])
    text = section(text_of(root), "How far to trust a score")
    (row,) = [line for line in text.partition("### digits")[0].splitlines() if line.startswith("| MIG | mean, dlib19")]
    training, metric, variant, strength, seed, chance = (cell.strip() for cell in row.split("|")[3:9])
    assert (training, metric) == ("0.0100", "0.0014")  # seeds 0, 0.01, 0.02 apart; 0.002 / √2
    assert (variant, strength) == ("0 %", "100 %")
    assert seed.startswith("0 %")
    assert chance == "27 %"  # (4 − 1) / (12 − 1)


def test_measures_that_rise_together_agree(reported):
    assert (reported.figures / "correlations_sprites.png").stat().st_size > 10_000
    text = section(reported.report_markdown.read_text(encoding="utf-8"), "How far to trust a score")
    assert "correlations_digits.png" in text
