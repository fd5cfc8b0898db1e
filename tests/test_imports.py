"""What is started often must start fast: reading a study and asking for help import nothing heavy."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "pandas", "scipy", "sklearn", "matplotlib", "seaborn")
READ_ALL_PLUG_INS = """
from multibeta import registry
from multibeta.study import Study
import multibeta.stages.shared.specs
for kind in registry.FOLDERS:
    for name in registry.names(kind):
        registry.find(kind, name)
Study.read("config.yaml")
"""
HELP = """
from multibeta.cli import main
try:
    main(["train", "--help"])
except SystemExit:
    pass
"""


@pytest.mark.parametrize("code", [READ_ALL_PLUG_INS, HELP], ids=["reading a study", "help"])
def test_nothing_heavy_is_imported(code):
    check = f"import sys\n{code}\nprint([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
