"""A tiny study in a folder of its own, run by the real Snakemake."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
TINY = {
    "name": "tiny",
    "datasets": {"digits": {}},
    "variants": {"beta_vae": {}, "cvae": {}},
    "strengths": [1, 4],
    "seeds": 2,
    "training": {"architecture": "mlp", "latents": 3, "budget": "40 steps", "learning_rate": 0.002, "log_every": 20},
    "evaluation": {"protocols": ["dlib19"], "codes": 400, "held_out": 60, "samples": 60},
}
#: A β-VAE that waits in every step, if it is told to: time to be disturbed in.
SLOW = """
import os
import time

from multibeta.variants.beta_vae import BetaVAE


class Slow(BetaVAE):
    title = "slow β-VAE"
    source = "none"

    def loss(self, forward, strength):
        time.sleep(float(os.environ.get("PAUSE", "0")))
        return super().loss(forward, strength)
"""


class Place:
    """A working folder with the workflow in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        for name in ("Snakefile", "workflow", "profiles", "environment.yml"):
            (path / name).symlink_to(ROOT / name)
        self.configure()

    def copy(self, path):
        """The same folder with its results, for a test that changes them."""
        shutil.copytree(self.path, path, symlinks=True)
        return Place.there(path)

    @classmethod
    def there(cls, path):
        """A folder that is one already."""
        found = object.__new__(cls)
        found.path = path
        return found

    def configure(self, **changes):
        """Write config.yaml: the tiny study with these keys changed."""
        self.write("config.yaml", yaml.safe_dump({**TINY, **changes}, sort_keys=False))

    def write(self, name, text):
        (self.path / name).write_text(text, encoding="utf-8")

    def start(self, *arguments, program="snakemake", **keywords):
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "CI": "true"}
        keywords = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, **keywords}
        return subprocess.Popen(
            [str(BIN / program), *arguments],
            cwd=self.path,
            env=environment,
            **keywords,
        )

    def run(self, *arguments, program="snakemake", status=0):
        """What the command prints; it must end with ``status``."""
        process = self.start(*arguments, program=program)
        output, _ = process.communicate(timeout=600)
        assert process.returncode == status, output
        return output

    def study(self, *arguments):
        """Run the study; how many jobs of each rule that took, empty when there was nothing to do."""
        output = self.run("--cores", "2", *arguments)
        table = output.partition("Job stats:")[2].partition("total")[0]
        counts = {rule: int(count) for rule, count in re.findall(r"^(\w+)\s+(\d+)$", table, flags=re.MULTILINE)}
        assert counts or "Nothing to be done" in output, output
        counts.pop("all", None)
        return counts

    def jobs(self):
        """How many jobs of each rule a dry run counts."""
        return self.study("--dry-run")

    def files(self, pattern):
        """Bytes by relative path of the files below results/."""
        found = sorted((self.path / "results").glob(pattern))
        return {str(path.relative_to(self.path)): path.read_bytes() for path in found if path.is_file()}
