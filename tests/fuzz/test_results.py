"""Malformed files of a study: every command that reads them says which, and writes nothing."""

import json

import pytest
from attempts import require_one_line
from hypothesis import given
from hypothesis import strategies as st
from mutations import archives_of_arrays, as_json, examples, mangled, tables, tensors, trees
from tampered_study import CELL, HALF

from multibeta.explorer.shelf import read_shelf

STUDY = "results/tiny"
READ = (
    ("status", STUDY),
    ("doctor", STUDY),
    ("why", CELL),
    ("numbers", STUDY, "--check"),
    ("compare", STUDY, "results/half"),
)
#: Files of JSON below the folder, and which commands read them.
JSON = {
    f"{STUDY}/study.json": (READ[0], READ[1], READ[3], READ[4], ("pack", STUDY, "-o", "new.zip")),
    f"{CELL}/spec.json": (READ[2], ("measure", CELL), ("train", CELL)),
    f"{CELL}/cell.json": (*READ, ("measure", CELL)),
    f"{CELL}/costs.json": READ[:2],
    f"{STUDY}/numbers.lock.json": (READ[3],),
    f"{STUDY}/provenance.json": (READ[4], ("pack", STUDY, "-o", "new.zip")),
    "results/.data/DATA/card.json": (READ[1], ("measure", CELL), ("train", CELL)),
    "results/.data/DATA/spec.json": (("prepare", "results/.data/DATA"),),
    "results/.state/HALF/progress.json": (("status", "results/half"),),
    "results/.state/HALF/lock": (("status", "results/half"),),
}
TABLES = {f"{CELL}/{name}.csv": READ[1:2] for name in ("metrics", "repeats", "history")}


@pytest.fixture(scope="module")
def places(made):
    """The names of what is named by a hash."""
    (half,) = json.loads(made.original("results/half/study.json"))["cells"]
    (state,) = half["fingerprints"].values()

    def real(text):
        return str(text).replace("DATA", half["data_key"]).replace("HALF", state)

    return real


def _attempt(playground, name, content, command):
    with playground.holding(**{name: content}):
        # What a card says of other files may be what they do not hold.
        names = [name.split("/")[-1], *([".npy"] if name.endswith("card.json") else [])]
        status, _ = playground.attempt(*command, names=names, writes=command[0] not in ("status", "doctor", "why"))
        if name.startswith(STUDY) and command[0] == "doctor":
            _look(playground.path / STUDY)
    return status


def _look(study):
    """As the page of `multibeta explore` looks at a study."""
    try:
        said = [*(shelf := read_shelf(study)).problems, *shelf.failures]
    except FileNotFoundError as error:
        said = [str(error)]
    for line in said:
        require_one_line(line)


@pytest.mark.parametrize("name", JSON)
@given(data=st.data())
@examples(12)
def test_malformed_json(playground, places, name, data):
    path = places(name)
    kept = playground.kept.get(playground.path / path, b'{"pid": 1, "host": "x", "step": 1, "steps": 9}')
    content = data.draw(mangled(kept) if data.draw(st.integers(0, 4)) == 0 else trees(json.loads(kept)).map(as_json))
    _attempt(playground, path, content, [places(word) for word in data.draw(st.sampled_from(JSON[name]))])


@given(data=st.data())
@examples(4)  # each that does no harm writes a whole report
def test_malformed_references(playground, data):
    name = f"{STUDY}/references/digits.json"
    content = data.draw(trees(json.loads(playground.original(name))).map(as_json))
    _attempt(playground, name, content, ("report", STUDY))


@pytest.mark.parametrize("name", TABLES)
@given(data=st.data())
@examples(15)
def test_malformed_tables(playground, name, data):
    kept = playground.original(name)
    content = data.draw(mangled(kept) if data.draw(st.integers(0, 4)) == 0 else tables(kept))
    _attempt(playground, name, content, data.draw(st.sampled_from(TABLES[name])))


@given(data=st.data())
@examples(10)
def test_malformed_codes(playground, data):
    content = data.draw(archives_of_arrays(playground.original(f"{CELL}/codes.npz"), playground.canary))
    command = data.draw(st.sampled_from((("measure", CELL), ("evaluate", CELL), ("draw", CELL))))
    _attempt(playground, f"{CELL}/codes.npz", content, command)


@given(data=st.data())
@examples(6)
def test_malformed_matrices(playground, data):
    content = data.draw(archives_of_arrays(playground.original(f"{CELL}/arrays.npz"), playground.canary))
    _attempt(playground, f"{CELL}/arrays.npz", content, ("draw", CELL))


@given(data=st.data())
@examples(15)
def test_malformed_models(playground, data):
    content = data.draw(tensors(playground.original(f"{CELL}/models.safetensors")))
    _attempt(playground, f"{CELL}/models.safetensors", content, ("measure", CELL))


@given(data=st.data())
@examples(10)
def test_a_malformed_checkpoint(playground, places, data):
    name = places("results/.state/HALF/checkpoint.safetensors")
    content = data.draw(tensors(playground.original(name)))
    _attempt(playground, name, content, ("train", HALF))


@given(data=st.data())
@examples(10)
def test_a_malformed_end_of_a_run(playground, data):
    fingerprint = json.loads(playground.original(f"{CELL}/cell.json"))["runs"]["0"]["fingerprint"]
    name = f"results/.state/{fingerprint}/finished.safetensors"
    content = data.draw(tensors(playground.original(name)))
    _attempt(playground, name, content, ("train", CELL))


@given(data=st.data())
@examples(8)
def test_malformed_features(playground, places, data):
    name = places("results/.data/DATA/features.safetensors")
    content = data.draw(tensors(playground.original(name)))
    _attempt(playground, name, content, data.draw(st.sampled_from((("measure", CELL), ("doctor", STUDY)))))


@given(data=st.data())
@examples(15)
def test_malformed_images(playground, places, data):
    file = data.draw(st.sampled_from(("images", "held_out", "factors", "labels")))
    name = places(f"results/.data/DATA/{file}.npy")
    if (playground.path / name) not in playground.kept:
        return
    content = data.draw(mangled(playground.original(name)))
    _attempt(playground, name, content, data.draw(st.sampled_from((("train", CELL), ("measure", CELL)))))


BY_HAND = {
    "a seed twice": ("spec.json", lambda spec: spec["seeds"].append(0), ("train", CELL)),
    "no pretrained weights": ("spec.json", lambda spec: spec["training"].update(pretrained="x"), ("why", CELL)),
    "another plug-in file": ("spec.json", lambda spec: spec["plugins"].append("gone.py"), ("train", CELL)),
    "a place above": ("spec.json", lambda spec: spec["dataset"].update(name="../x"), ("measure", CELL)),
    "no versions": ("cell.json", lambda cell: cell.pop("versions"), ("doctor", STUDY)),
    "a reason that clears the screen": (
        "cell.json",
        lambda cell: cell["runs"]["0"].update(status="error", reason="\x1b[2J"),
        ("status", STUDY),
    ),
}


@pytest.mark.parametrize("how", BY_HAND)
def test_by_hand(playground, how):
    file, change, command = BY_HAND[how]
    tree = json.loads(playground.original(f"{CELL}/{file}"))
    change(tree)
    _attempt(playground, f"{CELL}/{file}", as_json(tree), command)
