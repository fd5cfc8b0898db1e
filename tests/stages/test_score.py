"""A model from a file of anybody's becomes tables, matrices and a page; a file without one is named in one line."""

import numpy as np
import pytest

from multibeta.cli import main
from multibeta.files import read_table
from multibeta.results import METRICS_COLUMNS
from multibeta.stages.score import load_model

FUNCTIONS = """
import numpy as np
from beside import SCALE

def encode(images):
    flat = SCALE * images.reshape(len(images), -1)[:, 20:26]
    return flat, np.full_like(flat, -3)

def decode(z):
    images = np.zeros((len(z), 64))
    images[:, 20:26] = np.clip(z / SCALE, 0, 1)
    return images.reshape(-1, 1, 8, 8)
"""
MODULE = """
import torch

class Halves(torch.nn.Module):
    def encode(self, images):
        mean = torch.stack([images[:, :, :4].mean((1, 2, 3)), images[:, :, 4:].mean((1, 2, 3))], 1)
        return mean, torch.full_like(mean, -4)

    def decode(self, z):
        return z.clamp(0, 1).repeat_interleave(32, 1).reshape(-1, 1, 8, 8)

model = Halves()
"""


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_functions_are_scored_and_the_page_has_ceilings_and_floors(tmp_path, capsys):
    write(tmp_path / "beside.py", "SCALE = 2.0\n")
    write(tmp_path / "mine.py", FUNCTIONS)
    metrics = ["mig", "dci", "mse", "kl", "controllability", "fid", "udr"]
    arguments = ["score", "mine.py", "--dataset", "digits", "--protocol", "dlib19", "--metric", *metrics]
    assert main(arguments) == 0
    assert capsys.readouterr().out == "results/scores/mine/report.html\n"
    folder = tmp_path / "results" / "scores" / "mine"
    table = read_table(folder / "metrics.csv")
    assert table.columns.tolist() == list(METRICS_COLUMNS)
    assert set(table.variant) == {"mine"}
    assert set(table[table.metric == "mig"].protocol) == {"dlib19"}
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert text.startswith("# mine on digits\n")
    assert "Disentanglement: dlib19, mean codes" in text
    assert all(f"| *{name}* |" in text for name in ("perfect codes", "rotated perfect codes", "random codes"))
    assert "Inception weights absent" in text
    assert "## Calibration" in text
    assert (folder / "figures" / "importance.png").is_file()
    assert 'src="figures' not in (folder / "report.html").read_text(encoding="utf-8")
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        assert arrays["dci_disentanglement/dlib19/mean/importance"].shape == (6, 5)


def test_a_torch_module_is_scored_by_the_name_it_is_given(tmp_path):
    write(tmp_path / "module.py", MODULE)
    arguments = ["score", "module.py", "--dataset", "digits", "--name", "halves", "--metric", "kl", "--held-out", "50"]
    assert main(arguments) == 0
    table = read_table(tmp_path / "results" / "scores" / "halves" / "metrics.csv")
    assert table[table.factor == ""].n.tolist() == [50]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "mine.py: is not a Python file"),
        ("1 / 0", "mine.py: fails: ZeroDivisionError: division by zero"),
        ("x = 1", "mine.py: it defines no model and has no function encode and no decode"),
        ("model = 3", "mine.py: its model has no function encode and no decode"),
        ("def encode(images):\n    return images", "mine.py: it defines no model and has no function decode"),
    ],
)
def test_a_file_without_a_model_is_one_line(tmp_path, capsys, content, message):
    if content is not None:
        write(tmp_path / "mine.py", content)
    assert main(["score", "mine.py", "--dataset", "digits"]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "digts"], "unknown dataset 'digts'; did you mean 'digits'?"),
        (["--dataset", "digits", "--protocol", "dlib18"], "is not allowed; did you mean 'dlib19'?"),
        (["--dataset", "digits", "--metric", "migg"], "unknown metric 'migg'; did you mean 'mig'?"),
        (["--dataset", "digits", "--name", "a/b"], "name = 'a/b': must consist of letters, digits, - and _"),
    ],
)
def test_a_wrong_name_is_one_line(tmp_path, capsys, arguments, message):
    write(tmp_path / "module.py", MODULE)
    assert main(["score", "module.py", *arguments]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def test_arrays_of_another_shape_are_one_line_and_leave_nothing(tmp_path, capsys):
    write(tmp_path / "flat.py", "def encode(images):\n    return images, images\n\ndef decode(z):\n    return z\n")
    assert main(["score", "flat.py", "--dataset", "digits"]) == 1
    error = capsys.readouterr().err
    assert "encode must return mean and logvar of shape (B, D)" in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "results" / "scores").exists()


def test_a_file_may_hold_a_model_or_be_one(tmp_path):
    write(tmp_path / "beside.py", "SCALE = 2.0\n")
    assert callable(load_model(write(tmp_path / "mine.py", FUNCTIONS)).encode)
    assert type(load_model(write(tmp_path / "module.py", MODULE))).__name__ == "Halves"


ENCODE, DECODE = "def encode(images):\n    {}\n", "def decode(z):\n    {}\n"
FLAT = "flat = images.reshape(len(images), -1)[:, :4]\n    return "
BLACK = "import numpy as np; return np.zeros((len(z), 1, 8, 8))"


@pytest.mark.parametrize(
    ("encode", "decode", "message"),
    [
        (FLAT + "flat, flat, flat", BLACK, "encode must return two arrays, mean and logvar, found 3 values"),
        (FLAT + "flat", BLACK, "encode must return two arrays, mean and logvar, found one ndarray"),
        (FLAT + "flat, None", BLACK, "found (256, 4) and () for 256 images"),
        (FLAT + "flat[:, :0], flat[:, :0]", BLACK, "found (256, 0) and (256, 0) for 256 images"),
        (
            "raise RuntimeError('boom')",
            BLACK,
            "the model's encode fails on an array (256, 1, 8, 8): RuntimeError: boom",
        ),
        (FLAT + "flat, flat", "return z", "decode must return images of shape"),
        (FLAT + "flat, flat", BLACK + " + 1.5", "decode must return images in [0, 1], found 1.5 to 1.5"),
    ],
)
def test_what_a_model_does_wrong_is_one_line(tmp_path, capsys, encode, decode, message):
    write(tmp_path / "wrong.py", ENCODE.format(encode) + DECODE.format(decode))
    assert main(["score", "wrong.py", "--dataset", "digits", "--metric", "mse", "kl"]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def test_a_metric_without_the_protocol_is_said(tmp_path, capsys):
    write(tmp_path / "module.py", MODULE)
    assert main(["score", "module.py", "--dataset", "digits", "--metric", "mig", "--protocol", "chen18"]) == 1
    assert "nothing to measure: mig by chen18" in capsys.readouterr().err


def test_an_overflowing_posterior_is_refused_by_each_metric_and_not_a_crash(tmp_path):
    wide = MODULE.replace("torch.full_like(mean, -4)", "torch.full_like(mean, 998.0)")
    write(tmp_path / "wide.py", wide)
    metrics = ["mig", "dci", "sap", "gaussian_tc", "beta_vae_score", "kl_decomposition", "downstream"]
    assert main(["score", "wide.py", "--dataset", "digits", "--metric", *metrics]) == 0
    table = read_table(tmp_path / "results" / "scores" / "wide" / "metrics.csv")
    assert table[(table.representation == "sampled")].status.str.startswith("not computed: ").all()
