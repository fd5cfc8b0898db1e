"""Strategies that make malformed data of valid data: trees of JSON and YAML, tables, arrays, tensors, bytes."""

import copy
import csv
import io
import json
import os
import struct
import zipfile

import numpy as np
import yaml
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

#: How many times as many examples as are run by default, and other ones every time: for a search by hand.
TIMES = int(os.environ.get("MULTIBETA_FUZZ", "1"))


class Nested:
    """Lists within lists, deeper than a reader may go; known to `as_json` and `as_yaml` alone."""

    def __init__(self, depth):
        self.depth = depth

    def __repr__(self):
        return f"Nested({self.depth})"

    @property
    def text(self):
        return "[" * self.depth + "]" * self.depth


#: Text that has been mistaken for something else before.
TEXTS = (
    *("", " ", ".", "..", "../x", "../../../x", "/etc/passwd", "a/b", "C:\\x", "~", "~root/x", "-x", "a\nb", "a\tb"),
    *(
        "\x00",
        "\x1b[2J\x1b]0;x\x07",
        "\x9b2J",
        "\u202egnp.x",
        "\u2066x",
        "\u200b",
        "\ufeff",
        "\ud800",
        "ß",
        "日本語",
        "🜁",
    ),
    *("é" * 300, "x" * 5000, "NaN", "inf", "-1", "1e999", "0x10", "1_000", "null", "true", "2026-02-30", "=1+1"),
    *("{x}", "%s%n", "$HOME", "`id`", "<b>x</b>", "__class__", "multibeta.cli", "os.system", "torch", "_style"),
    *("digits", "beta_vae", "mlp", "arrays"),
)
NUMBERS = (
    *(0, -1, 2**31, 2**53, 2**63, 2**64, 10**30, 10**400, -(10**400)),
    *(0.5, -0.0, 1e-320, 1e308, float("nan"), float("inf"), float("-inf")),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(TEXTS),
    st.sampled_from(NUMBERS),
    st.integers(-9, 99),
    st.text(max_size=8),
)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.dictionaries(st.sampled_from(TEXTS) | st.text(max_size=8), SCALARS, max_size=3),
    st.sampled_from((200, 100_000)).map(Nested),
)


def examples(count):
    """Settings of a test: the same examples in every run, unless more are asked for."""
    return settings(
        max_examples=count * TIMES,
        derandomize=TIMES == 1,
        database=None,
        deadline=None,
        print_blob=True,
        # To explain a failure, Hypothesis traces every line, and time limits would fail next.
        phases=set(Phase) - {Phase.explain},
        # The folder is put back after every example.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def paths(tree, here=()):
    """The place of every value in a tree of mappings and lists."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    yield from ([here] if here else [])
    for key, value in inner:
        yield from paths(value, (*here, key))


@st.composite
def trees(draw, tree):
    """The tree with one to three changes: a value replaced or taken out, a key renamed, a stranger added."""
    tree = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, 3))):
        found = list(paths(tree))
        if not found:
            break
        *parents, key = draw(st.sampled_from(found))
        here = tree
        for parent in parents:
            here = here[parent]
        how = draw(st.sampled_from(("replace", "replace", "remove", "rename", "add", "repeat")))
        if how == "replace":
            here[key] = draw(VALUES)
        elif how == "remove":
            del here[key]
        elif how == "rename" and isinstance(here, dict):
            here[draw(st.sampled_from(TEXTS))] = here.pop(key)
        elif how == "add" and isinstance(here, dict):
            here[draw(st.sampled_from(TEXTS))] = draw(VALUES)
        elif isinstance(here, list):
            here.append(copy.deepcopy(here[key]))
    return draw(VALUES) if draw(st.integers(0, 30)) == 0 else tree


def _dumped(tree, dump):
    """The text of a tree by ``dump``, with what is nested put into it."""
    marks = {}

    def marked(value):
        if isinstance(value, Nested):
            marks[f"nested-{len(marks)}"] = value.text
            return f"nested-{len(marks) - 1}"
        if isinstance(value, dict):
            return {key: marked(inner) for key, inner in value.items()}
        return [marked(inner) for inner in value] if isinstance(value, list) else value

    text = dump(marked(tree))
    for mark, nested in marks.items():
        text = text.replace(f'"{mark}"', nested).replace(mark, nested)
    return text


def as_json(tree):
    return _dumped(tree, json.dumps).encode()


def as_yaml(tree):
    return _dumped(tree, lambda value: yaml.safe_dump(value, sort_keys=False)).encode()


@st.composite
def mangled(draw, content):
    """Bytes cut off, altered, repeated, of another encoding."""
    how = draw(st.sampled_from(("cut", "flip", "flip", "zero", "insert", "twice", "empty", "utf-16", "bom", "latin")))
    place = draw(st.integers(0, max(0, len(content) - 1)))
    if how == "cut":
        return content[:place]
    if how == "flip":
        some = bytearray(content)
        for _ in range(draw(st.integers(1, 4))):
            if some:
                some[draw(st.integers(0, len(some) - 1))] ^= draw(st.integers(1, 255))
        return bytes(some)
    if how == "zero":
        size = draw(st.integers(1, 64))
        return content[:place] + bytes(size) + content[place + size :]
    if how == "insert":
        return content[:place] + draw(st.binary(min_size=1, max_size=16)) + content[place:]
    if how == "utf-16":
        return content.decode("latin-1").encode("utf-16")
    return {"twice": content * 2, "empty": b"", "bom": b"\xef\xbb\xbf" + content, "latin": content + b"\xe9\xff"}[how]


@st.composite
def tables(draw, content):
    """A CSV with fields, columns or rows replaced, lost or repeated."""
    rows = list(csv.reader(io.StringIO(content.decode())))
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.integers(0, len(rows) - 1))
        column = draw(st.integers(0, max(0, len(rows[row]) - 1)))
        how = draw(st.sampled_from(("field", "field", "field", "column", "row", "short", "long", "again", "swap")))
        if how == "field" and rows[row]:
            rows[row][column] = draw(st.sampled_from(TEXTS) | st.sampled_from(NUMBERS).map(_number))
        elif how == "column":
            rows = [[*some[:column], *some[column + 1 :]] for some in rows]
        elif how == "row" and len(rows) > 1:
            del rows[row]
        elif how == "short":
            rows[row] = rows[row][:column]
        elif how == "long":
            rows[row] = [*rows[row], "1", "x"]
        elif how == "again":
            rows.insert(row, list(rows[row]))
        elif how == "swap":
            rows = [list(reversed(some)) for some in rows]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


def _number(value):
    return str(value) if isinstance(value, float) or abs(value) < 10**400 else "9" * 400


class Pickled:
    """Makes a file when it is unpickled, by which it is known that it was."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def arrays_of(content):
    with np.load(io.BytesIO(content)) as stored:
        return {name: stored[name] for name in stored.files}


def npz(arrays, compressed=False):
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **arrays)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=True)
    return file.getvalue()


def huge_npy(shape=(1 << 40, 3), descr="<f4"):
    """The head of an array of terabytes, and a few bytes of it."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue() + bytes(64)


@st.composite
def altered_array(draw, array, canary):
    """Another array, as one of its kind would not be."""
    flat = array.reshape(-1)
    made = {
        "text": lambda: np.array(["x", "日本"]),
        "object": lambda: np.array([Pickled(canary)], object),
        "scalar": lambda: np.array(3.0),
        "empty": lambda: array[:0],
        "flat": lambda: flat,
        "wider": lambda: np.concatenate([array, array], -1) if array.ndim else array,
        "shorter": lambda: array[: len(array) // 2] if array.ndim else array,
        "nan": lambda: np.full(array.shape, np.nan),
        "complex": lambda: array.astype(complex),
        "int8": lambda: np.full(array.shape, -7, np.int8),
        "huge": lambda: np.full(array.shape, 2**62, np.int64),
        "structured": lambda: np.zeros(array.shape, [("a", "<f4"), ("b", "<i8")]),
        "bool": lambda: np.zeros(array.shape, bool),
    }
    return made[draw(st.sampled_from(sorted(made)))]()


@st.composite
def archives_of_arrays(draw, content, canary):
    """An npz with arrays altered, lost, renamed, pickled, or claimed to be of terabytes."""
    arrays = arrays_of(content)
    how = draw(st.sampled_from(("altered", "altered", "altered", "lost", "renamed", "claimed", "raw", "bytes")))
    if how == "bytes" or not arrays:
        return draw(mangled(content))
    name = draw(st.sampled_from(sorted(arrays)))
    if how == "altered":
        arrays[name] = draw(altered_array(arrays[name], canary))
    elif how in ("lost", "renamed"):
        array = arrays.pop(name)
        if how == "renamed":
            arrays[draw(st.sampled_from([each for each in TEXTS if each and not {"\x00", "\ud800"} & {*each}]))] = array
    else:
        members = {f"{each}.npy": npy(array) for each, array in arrays.items()}
        members[f"{name}.npy"] = huge_npy() if how == "claimed" else draw(mangled(members[f"{name}.npy"]))
        return zipped(members)
    return npz(arrays)


def zipped(members, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def head_of(content):
    """The header of a safetensors file, and what follows it."""
    (size,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def with_head(head, data):
    text = as_json(head)
    return struct.pack("<Q", len(text)) + text + data


@st.composite
def tensors(draw, content):
    """A safetensors file with another header, another length of it, or bytes altered."""
    how = draw(st.sampled_from(("head", "head", "head", "facts", "length", "bytes")))
    head, data = head_of(content)
    if how == "head":
        return with_head(draw(trees(head)), data)
    if how == "facts" and "facts" in head.get("__metadata__", {}):
        facts = draw(trees(json.loads(head["__metadata__"]["facts"])))
        head["__metadata__"]["facts"] = as_json(facts).decode()
        return with_head(head, data)
    if how == "length":
        return struct.pack("<Q", draw(st.sampled_from((0, 1, 2**31, 2**63, 2**64 - 1)))) + content[8:]
    return draw(mangled(content))
