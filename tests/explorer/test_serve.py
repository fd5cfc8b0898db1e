"""Starting the page: what is wrong is said in one line before anything is served, and only this machine may look."""

import subprocess
import sys

import pytest

from multibeta.cli import main
from multibeta.explorer import serve as module
from multibeta.explorer.serve import is_loopback, serve

PURE = """
import multibeta.explorer.serve
from multibeta.explorer import between, conditional, curves, opened, pictures, scatter, shelf, sliders, small_training
from multibeta.explorer import tradeoff
import sys
print("streamlit" in sys.modules)
"""


@pytest.fixture
def started(monkeypatch):
    """The arguments that Streamlit is started with, in its place."""
    cli = pytest.importorskip("streamlit.web.cli")
    given = []
    monkeypatch.setattr(cli, "main", given.append)
    monkeypatch.setattr(module, "_import_ahead", lambda: None)
    return given


def test_without_streamlit_it_says_how_to_install_it(finished, monkeypatch, capsys):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert main(["explore", str(finished)]) == 1
    message = "explore: needs Streamlit, which is not installed: pip install 'multibeta[explorer]'\n"
    assert capsys.readouterr().err == message


def test_what_it_computes_needs_no_streamlit():
    done = subprocess.run([sys.executable, "-c", PURE], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_folder_without_a_study_is_one_line(tmp_path, capsys, started):
    assert main(["explore", str(tmp_path)]) == 1
    message = capsys.readouterr().err
    assert message.startswith(f"explore: {tmp_path}: holds no study")
    assert message.count("\n") == 1
    assert started == []


def test_a_plug_in_that_does_not_exist_is_one_line(finished, capsys, started):
    assert main(["explore", str(finished), "--plugin", "none.py"]) == 1
    assert capsys.readouterr().err == "plug-in file 'none.py' does not exist\n"


def test_it_listens_on_this_machine_alone_and_tells_nobody(finished, started, capsys):
    assert main(["explore", str(finished)]) == 0
    (arguments,) = started
    assert "--server.address=127.0.0.1" in arguments
    assert "--browser.gatherUsageStats=false" in arguments
    assert "--server.headless=true" in arguments
    assert "--server.allowedHosts=127.0.0.1" in arguments
    assert not [argument for argument in arguments if argument.startswith("--server.port")]
    assert arguments[-2:] == ["--", str(finished)]
    assert capsys.readouterr().err == ""


def test_another_address_is_said_aloud(finished, started, capsys):
    assert main(["explore", str(finished), "--address", "0.0.0.0", "--port", "8600"]) == 0
    (arguments,) = started
    assert {"--server.address=0.0.0.0", "--server.port=8600"} <= set(arguments)
    assert not [argument for argument in arguments if argument.startswith("--server.allowedHosts")]
    assert "whoever reaches 0.0.0.0 can see" in capsys.readouterr().err


def test_plug_ins_are_loaded_and_told_to_the_page(finished, started, tmp_path, monkeypatch):
    from multibeta import registry

    monkeypatch.setattr(registry, "_outside", {})
    (tmp_path / "mine.py").write_text(
        "from multibeta.variants.beta_vae import BetaVAE\n\n\nclass Mine(BetaVAE):\n    title = 'mine'\n"
    )
    monkeypatch.chdir(tmp_path)
    serve(finished, plugins=[tmp_path.__class__("mine.py")])
    assert started[0][-1] == str(tmp_path / "mine.py")
    assert "mine" in registry.names("variant")


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.0.0.2", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
    ],
)
def test_what_is_this_machine_alone(address, loopback):
    assert is_loopback(address) is loopback
