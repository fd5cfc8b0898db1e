"""Malformed config files: a line that names the file, or a study; nothing is run and nothing written."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mutations import Nested, as_yaml, examples, mangled, trees
from tampered_study import STUDY

#: YAML as no one means it: code, references to itself, merges, other types.
SNIPPETS = (
    "!!python/object/apply:os.system ['touch ../canary']",
    "!!python/object/apply:builtins.open ['../canary', w]",
    "!!python/object/new:subprocess.Popen [[touch, ../canary]]",
    "!!python/name:os.system",
    "!!python/module:os",
    "!!python/tuple [1, 2]",
    "!include ../canary",
    "!!binary aGVsbG8=",
    "!!timestamp 2026-13-45",
    "!!set {a, b}",
    "!!omap [a: 1]",
    "!!int x",
    "!!float []",
    "!!bool maybe",
    "!!null x",
    "&a [*a]",
    "&a {b: *a}",
    "*missing",
    "{<<: 3}",
    "{<<: *missing}",
    "{? [1, 2] : 3}",
    "{1: 2, 1: 3}",
    "0o777",
    "190:20:30",
    "1" * 5000,
    "0x" + "f" * 9000,
    "|\n  text\n  more",
    '"\\U0010FFFF"',
    '"\\x1b[31m"',
    "@x",
    "%x",
    "\t",
    "'",
    "2026-11-27 10:00:00",
)


@given(data=st.data())
@examples(60)
def test_a_malformed_tree(playground, data):
    _check(playground, as_yaml(data.draw(trees(STUDY))))


@given(data=st.data())
@examples(30)
def test_malformed_bytes(playground, data):
    _check(playground, data.draw(mangled(playground.original("config.yaml"))))


@given(data=st.data())
@examples(30)
def test_yaml_that_nobody_means(playground, data):
    lines = playground.original("config.yaml").decode().splitlines()
    place = data.draw(st.integers(0, len(lines) - 1))
    lines[place] = f"{lines[place].partition(':')[0]}: {data.draw(st.sampled_from(SNIPPETS))}"
    _check(playground, "\n".join(lines).encode())


BOMB = "\n".join(
    ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)), "datasets: *a11"]
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        BOMB.replace("[", "{k: [").replace("]", "]}"),
        "",
        "\x00",
        "- a\n- b\n",
        "study",
        "name: x\nname: y\n",
        "name: x\n---\nname: y\n",
        "datasets:\n  &d digits: &e {options: *e}\n",
        "[" * 100_000,
        "{a: " * 50_000,
        "? " * 20_000,
        "name: \x1b[2Jx\n",
        "\u202ename: x\n",
        "name: x\ndatasets: {../../x: {}}\n",
        *(f"name: {snippet}\n" for snippet in SNIPPETS[:8]),
        yaml.safe_dump({**STUDY, "seeds": [0, 10**400]}),
        yaml.safe_dump({**STUDY, "seeds": 10**400}),
        yaml.safe_dump({**STUDY, "strengths": [float("nan")]}),
        yaml.safe_dump({**STUDY, "mirror": "\x1b]0;x\x07"}),
        yaml.safe_dump({**STUDY, "plugins": ["../../../dev/zero"]}),
        yaml.safe_dump({**STUDY, "plugins": ["/dev/stdin", "."]}),
        yaml.safe_dump({**STUDY, "plugins": ["a\x00b"]}),
        yaml.safe_dump({**STUDY, "datasets": {"x" * 5000: {"dataset": "digits"}}}),
        yaml.safe_dump({**STUDY, "datasets": {"arrays": {"options": {"path": "a\x00b"}}}}),
        yaml.safe_dump({**STUDY, "datasets": {"image_folder": {"options": {"path": "/dev"}}}}),
        yaml.safe_dump({**STUDY, "datasets": {"mine": {"options": {"path": "results/tiny/study.json"}}}}),
        yaml.safe_dump({**STUDY, "training": {**STUDY["training"], "pretrained": "/proc/self"}}),
        yaml.safe_dump({**STUDY, "training": {**STUDY["training"], "architecture": "../x"}}),
        yaml.safe_dump({**STUDY, "variants": {"beta_vae": {"variant": "\x1b[2J"}}}),
    ],
    ids=lambda text: ascii(text[:40]),
)
def test_by_hand(playground, text):
    _check(playground, text.encode("utf-8", "surrogatepass"))


def test_nesting_that_no_reader_follows(playground):
    _check(playground, as_yaml({**STUDY, "report": Nested(100_000)}))


def _check(playground, content):
    with playground.holding(**{"config.yaml": content}):
        playground.attempt("check", "config.yaml", names=["config.yaml"])
