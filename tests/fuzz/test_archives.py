"""Malformed archives of studies, and data of one's own: refused whole, in one line."""

import hashlib
import io
import json
import stat
import struct
import warnings
import zipfile

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mutations import (
    TEXTS,
    Pickled,
    archives_of_arrays,
    as_json,
    as_yaml,
    examples,
    huge_npy,
    mangled,
    npy,
    npz,
    tables,
    trees,
    zipped,
)

MANIFEST = "manifest.json"


def entries_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sealed(entries):
    """The entries with a manifest that tells their hashes truly, so that what else is wrong is seen."""
    manifest = json.loads(entries[MANIFEST])
    listed = {name: content for name, content in entries.items() if name != MANIFEST}
    manifest["files"] = {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in listed.items()
    }
    return zipped({MANIFEST: json.dumps(manifest).encode(), **listed}, zipfile.ZIP_DEFLATED)


@st.composite
def archives(draw, content):
    """An archive with a name, a file, its manifest or its bytes altered."""
    how = draw(st.sampled_from(("bytes", "name", "name", "manifest", "manifest", "file", "lost", "added")))
    if how == "bytes":
        return draw(mangled(content))
    entries = entries_of(content)
    if how == "manifest":
        entries[MANIFEST] = as_json(draw(trees(json.loads(entries[MANIFEST]))))
        return zipped(entries)
    name = draw(st.sampled_from(sorted(entries.keys() - {MANIFEST})))
    if how == "file":
        return zipped({**entries, name: draw(mangled(entries[name]))})
    if how == "lost":
        return zipped({other: inner for other, inner in entries.items() if other != name})
    other = draw(st.sampled_from([text for text in TEXTS if text and "\ud800" not in text and len(text) < 5000]))
    other = draw(st.sampled_from((other, f"../{name}", f"/{name}", name.upper(), f"{name}/x", f"a/../../{name}")))
    if how == "name":
        entries[other] = entries.pop(name)
    else:
        entries[other] = b"x"
    return sealed(entries) if draw(st.booleans()) else zipped(entries)


def _unpack(playground, content):
    with playground.holding(**{"tiny.zip": content}):
        playground.attempt("unpack", "tiny.zip", "there", names=["tiny.zip"], writes=True)
        outside = [path for path in playground.path.parent.iterdir() if path.name not in ("work", "hypothesis")]
        assert outside == []


@given(data=st.data())
@examples(30)
def test_malformed_archives(playground, data):
    _unpack(playground, data.draw(archives(playground.original("tiny.zip"))))


def _with(name, content=b"x", mode=stat.S_IFREG | 0o644):
    """Adds one entry, sealed, so that the entry alone is what is wrong."""

    def change(entries):
        whole = entries_of(sealed({**entries, name: content}))
        file = io.BytesIO(zipped({each: whole[each] for each in whole if each != name or name in entries}))
        with zipfile.ZipFile(file, "a") as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a name given twice
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
        return file.getvalue()

    return change


def _bomb(entries):
    return sealed({**entries, "zeros.bin": bytes(200 << 20)})


def _says_less(entries):
    """Claims, in both of its lists, to be smaller than it is."""
    content = bytearray(zipped({**entries, "bomb": bytes(1 << 20)}, zipfile.ZIP_DEFLATED))
    return bytes(content.replace(struct.pack("<L", 1 << 20), struct.pack("<L", 10)))


def _nested(entries):
    return zipped({**entries, MANIFEST: b"[" * 200_000 + b"]" * 200_000})


def _manifest(**changes):
    def change(entries):
        manifest = {**json.loads(entries[MANIFEST]), **changes}
        return zipped({**entries, MANIFEST: json.dumps(manifest).encode()})

    return change


BY_HAND = {
    "a bomb": _bomb,
    "a file larger than it says": _says_less,
    "a nested manifest": _nested,
    "a symbolic link": _with("link", b"/etc/passwd", stat.S_IFLNK | 0o777),
    "a device": _with("device", b"", stat.S_IFCHR | 0o666),
    "a file twice": _with("results/tiny/report.md"),
    "two names that differ in capitals": lambda entries: sealed({**entries, "RESULTS/tiny/report.md": b"x"}),
    "a name above": lambda entries: sealed({**entries, "../x": b"x"}),
    "an absolute name": lambda entries: sealed({**entries, "/tmp/x": b"x"}),
    "a drive": lambda entries: sealed({**entries, "C:/x": b"x"}),
    "a backslash": lambda entries: sealed({**entries, "a\\..\\..\\x": b"x"}),
    "a name that clears the screen": lambda entries: sealed({**entries, "\x1b[2J": b"x"}),
    "a name of 3000 characters": lambda entries: sealed({**entries, "x/" * 1500 + "x": b"x"}),
    "a name that turns the line round": lambda entries: sealed({**entries, "\u202egnp.x": b"x"}),
    "a file and a folder of one name": lambda entries: sealed({**entries, "a": b"x", "a/b": b"y"}),
    "another format": _manifest(format="another"),
    "a study elsewhere": _manifest(study="../x"),
    "a study that clears the screen": _manifest(study="\x1b[2J"),
    "lines missing that clear the screen": _manifest(missing=["\x1b[2J"]),
    "no files": _manifest(files=None),
    "a size below zero": _manifest(files={"results/tiny/report.md": {"size": -1, "sha256": "0" * 64}}),
    "no zip": lambda entries: b"PK\x03\x04" + bytes(100),
    "nothing": lambda entries: b"",
}


@pytest.mark.parametrize("how", BY_HAND)
def test_archives_by_hand(playground, how):
    _unpack(playground, BY_HAND[how](entries_of(playground.original("tiny.zip"))))


def _add(playground, name, content):
    place = playground.path / name
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(content)
    try:
        given = name.split("/")[0]
        playground.attempt("datasets", "add", given, "--name", "fresh", names=[name, given], writes=True)
    finally:
        playground.restore()


@given(data=st.data())
@examples(20)
def test_malformed_arrays_of_ones_own(playground, data):
    _add(playground, "fresh.npz", data.draw(archives_of_arrays(playground.original("mine.npz"), playground.canary)))


@given(data=st.data())
@examples(10)
def test_malformed_pictures(playground, data):
    _add(playground, "pictures/0.png", data.draw(mangled(playground.original("pictures/0.png"))))


@given(data=st.data())
@examples(10)
def test_malformed_attributes(playground, data):
    table = data.draw(tables(playground.original("attributes.csv")) | mangled(playground.original("attributes.csv")))
    with playground.holding(**{"attributes.csv": table}):
        settings = ("--set", "attributes=attributes.csv")
        names = ["attributes.csv", "pictures"]
        playground.attempt("datasets", "add", "pictures", "--name", "fresh", *settings, names=names, writes=True)


@given(data=st.data())
@examples(15)
def test_a_malformed_name(playground, data):
    kept = playground.original("named/mine.yaml")
    malformed = mangled(kept) if data.draw(st.integers(0, 4)) == 0 else trees(yaml.safe_load(kept)).map(as_yaml)
    content = data.draw(malformed)
    config = playground.original("config.yaml").replace(b"- digits", b"- mine")
    with playground.holding(**{"named/mine.yaml": content, "config.yaml": config}):
        commands = (("check", "config.yaml"), ("datasets", "info", "mine"), ("datasets", "list"))
        playground.attempt(*data.draw(st.sampled_from(commands)), names=["mine", "config.yaml"])


@pytest.mark.parametrize(
    "members",
    [
        {"images.npy": huge_npy((1 << 40, 8, 8, 1), "|u1")},
        {"images.npy": huge_npy((12, 1 << 30, 1 << 30, 1), "|u1")},
        {"images.npy": huge_npy((-1, 8, 8, 1), "|u1")},
        {"images.npy": huge_npy((12, 0, 0, 1), "|u1")},
        {"images.npy": huge_npy((12, 8, 8, 1), "|O")},
        {"images.npy": b"\x93NUMPY\x01\x00\xff\xff{"},
        {"images.npy": b"\x93NUMPY\x09\x00" + bytes(64)},
        {"../images.npy": b"x"},
        {"images.npy": b""},
        {},
    ],
    ids=["rows", "sides", "below zero", "no pixels", "objects", "head", "version", "above", "empty", "none"],
)
def test_arrays_by_hand(playground, members):
    _add(playground, "fresh.npz", zipped(members))


def test_pickles_are_never_loaded(playground):
    pickled = np.array([Pickled(playground.canary)] * 12, object)
    images = np.zeros((12, 8, 8, 1), np.uint8)
    _add(playground, "fresh.npz", npz({"images": images, "labels": pickled}))
    _add(playground, "fresh.npz", npz({"images": pickled}))
    _add(playground, "fresh.npz", zipped({"images.npy": npy(images), "x.pkl": b"cos\nsystem\n(S'x'\ntR."}))
