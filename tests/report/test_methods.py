"""The methods paragraph says what the specs say; what it cites is in the bibliography, whose entries are whole."""

import re
from dataclasses import replace

import pytest
from made_findings import findings

from multibeta import registry
from multibeta.options import EvaluationOptions, TrainingOptions
from multibeta.report.appendix import costs
from multibeta.report.bibliography import ENTRY, bibtex, entries_of, entry_of_citation, known
from multibeta.report.methods import SOFTWARE, methods, methods_latex, references

SOURCES = {
    ("variant", "beta_vae"): "Higgins et al. 2017, https://openreview.net/forum?id=Sy2fzU9gl",
    ("variant", "cvae"): "Sohn, Lee & Yan 2015, NeurIPS",
    ("architecture", "burgess"): "Burgess et al. 2018, https://arxiv.org/abs/1804.03599",
    ("architecture", "mlp"): "Kingma & Welling 2014, https://arxiv.org/abs/1312.6114",
    ("metric", "mig"): "Chen et al. 2018, https://arxiv.org/abs/1802.04942; Locatello et al. 2019, …",
    ("metric", "kl"): "Kingma & Welling 2014, https://arxiv.org/abs/1312.6114",
}
OWN = ("this project", "own", "not stated", "rendered by this project")


def spec(variant, **training):
    return {
        "training": TrainingOptions(**training).model_dump(mode="json"),
        "evaluation": EvaluationOptions().model_dump(mode="json"),
        "variant": {"plug_in": variant},
    }


def study(change=lambda place: {}):
    made = findings(lambda *_: {"mig": 0.1, "kl": 2.0}, strengths=("1", "4"), variants=("beta_vae", "cvae"))
    specs = {cell.place: spec(cell.variant, **change(cell.place)) for cell in made.cells}
    provenance = {"hardware": [], "versions": []}
    return replace(made, specs=specs, sources=SOURCES, provenance=provenance)


def runs(made, device="cpu", seconds=1800.0, shared=False):
    """Every run of the study, half an hour of training and six minutes of measuring each.

    Args:
        shared: all strengths of a variant are one training.
    """
    rows = [
        {
            **{"dataset": c.dataset, "variant": c.variant, "beta": c.beta, "seed": seed, "seconds": seconds},
            **{"device": device, "fingerprint": f"{'any' if shared else c.beta} {c.variant} {seed}"},
            **{"epochs": 1.0, "images_per_second": 10.0, "peak_memory_mb": 100.0},
        }
        for c in made.cells
        for seed in c.seeds
    ]
    import pandas as pd

    gpus = "NVIDIA H100 80GB HBM3" if device != "cpu" else "none"
    hardware = [{"processor": "A processor", "cores": 2, "gpus": gpus, "system": "Linux"}]
    versions = [{"multibeta": "0.1.0", "torch": "2.11.0"}]
    table = pd.DataFrame(rows).assign(evaluation_seconds=360.0)
    return replace(made, runs=table, provenance={"hardware": hardware, "versions": versions})


def test_what_all_cells_share_is_said_once():
    text = methods(study())
    assert "We trained β-VAE (Higgins et al. 2017) and CVAE (Sohn, Lee &amp; Yan 2015) on sprites" in text
    assert "at β = 1, 4, with 5 seeds" in text
    assert "Encoder and decoder are the nets burgess (Burgess et al. 2018), with 10 latents" in text
    assert "for 20000 steps, at learning rate 0.0005 with decay rates (0.9, 0.999), in batches of 64." in text
    assert "The strength is constant." in text
    assert "Further options" not in text
    assert "No run has been trained yet." in text


def test_what_differs_is_said_of_whatever_it_differs_between():
    by_variant = methods(study(lambda place: {"architecture": "mlp", "latents": 4} if place[1] == "cvae" else {}))
    assert "burgess for β-VAE and mlp for CVAE" in by_variant
    assert "10 latents for β-VAE and 4 latents for CVAE" in by_variant
    by_cell = methods(study(lambda place: {"batch_size": 32} if place[1:] == ("cvae", "4") else {}))
    assert "32 on sprites for CVAE at 4" in by_cell


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"strength_schedule": "linear", "schedule_steps": 400},
            "linearly from 0 to 1 times its value over the first 400",
        ),
        (
            {"strength_schedule": "cosine", "schedule_steps": 0.5},
            "along a cosine from 0 to 1 times its value over the first 50 %",
        ),
        ({"strength_schedule": "cyclic", "schedule_steps": 100}, "over and over, every 100 steps"),
        ({"gradient_clip": 1.0, "free_bits": 0.5}, "Further options: gradient\\_clip 1.0; free\\_bits 0.5."),
        ({"initial_weights": "he"}, "initial weights are those of (He et al. 2015)"),
        ({"likelihood": "gaussian_learned"}, "a Gaussian likelihood whose standard deviation is learnt"),
    ],
)
def test_options_are_said_in_words(options, said):
    assert said in methods(study(lambda place: options))


def test_time_and_energy_are_those_of_the_runs():
    text = methods(runs(study()))
    assert "On A processor, 2 cores, training took 10.0 h in all (30.0 min a run), measuring 2.0 h" in text
    # 20 runs of 1,800 s and 360 s at 10 W.
    assert "about 1.2e+02 Wh, assuming 10 W for a busy core." in text
    on_gpu = methods(runs(study(), device="cuda:0"))
    # 20 × (1,800 s × 700 W + 360 s × 10 W).
    assert "about 7 kWh, assuming 10 W for a busy core and 700 W for a GPU" in on_gpu


def test_a_training_that_cells_share_costs_its_time_once():
    shared = runs(study(), shared=True)
    assert "training took 5.0 h in all (30.0 min a run), measuring 2.0 h" in methods(shared)
    assert "Training took 5.0 h in all, measuring 2.0 h, summed over 20 runs and 10 trainings, which" in costs(shared)
    assert "Training took 10.0 h in all, measuring 2.0 h, summed over 20 runs;" in costs(runs(study()))


def test_latex_cites_only_keys_of_the_bibliography():
    made = runs(study())
    cited = {key for group in re.findall(r"\\cite\{(.*?)\}", methods_latex(made)) for key in group.split(",")}
    keys = set(re.findall(r"^@\w+\{(.*?),$", references(made), flags=re.MULTILINE))
    assert {"higgins17", "sohn15", "burgess18", "chen18", "locatello19", "kingma15", "paszke19"} <= cited
    assert cited <= keys
    assert {known()[label].key for label in SOFTWARE} <= keys
    assert r"$\beta$-VAE~\cite{higgins17}" in methods_latex(made)


def test_the_entries_are_whole_and_their_keys_unique():
    from importlib import resources

    text = resources.files("multibeta.report").joinpath("sources.bib").read_text(encoding="utf-8")
    entries = ENTRY.findall(text)
    assert len(entries) == text.count("\n@")
    assert len({key for _, key, _ in entries}) == len(entries) == len(known())
    for kind, key, body in entries:
        fields = dict(re.findall(r"^  (\w+) = \{(.*)\},$", body, flags=re.MULTILINE))
        assert len(fields) == body.count("\n"), key
        assert {"author", "title", "year", "label"} <= set(fields), key
        assert {"inproceedings": "booktitle", "article": "journal", "misc": "howpublished"}[kind] in fields, key
        assert all(value.count("{") == value.count("}") for value in fields.values()), key
        assert re.fullmatch(r"\d{4}", fields["year"])
        assert "&" not in fields["title"].replace(r"\&", "")


@pytest.mark.parametrize("kind", ["variant", "metric", "architecture"])
def test_every_plug_in_is_cited_or_says_that_it_is_our_own(kind):
    for name in registry.names(kind):
        source = registry.find(kind, name).source
        labels = [entry.label for entry in entries_of(source)]
        assert labels or source.startswith(OWN), name
        # Every clause with a year is one of the entries.
        clauses = [clause for clause in re.split(r";|, and", source) if re.search(r"\b(19|20)\d\d\b", clause)]
        assert len(labels) == len(clauses), (name, labels)


def test_every_dataset_is_cited_or_our_own():
    for name in registry.names("dataset"):
        plug_in = registry.find("dataset", name)
        assert entry_of_citation(plug_in.citation) or plug_in.source.startswith(OWN), name


def test_a_source_that_nobody_knows_is_an_entry_of_its_own():
    (entry,) = entries_of("Doe & Roe 2031, https://example.org/a_b", "my_variant")
    assert entry.key == "my_variant"
    assert entry.label == "Doe & Roe 2031"
    assert r"title = {Doe \& Roe 2031}" in entry.text
    assert entries_of("this project", "my_variant") == []
    assert bibtex([entry, entry]).count("@misc") == 1


def test_every_entry_is_printed_also_where_the_document_chooses_no_encoding(typeset):
    datasets = [registry.find("dataset", name).citation for name in registry.names("dataset")]
    entries = [entry.text for entry in known().values()] + datasets
    fields = [re.search(rf"{name} = \{{(.*?)\}},?\s", entry) for entry in entries for name in ("author", "title")]
    page = typeset(r"\raggedright " + r"\\\relax ".join(field[1] for field in fields if field))
    assert "Djordje Miladinović" in page
    assert "Kynkäänniemi" in page
