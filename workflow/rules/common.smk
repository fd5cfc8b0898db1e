# The study of this run, and the few functions that the rules ask it.
import gc
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod

from multibeta import strict_yaml
from multibeta.config_errors import ConfigError
from multibeta.results import data_folder
from multibeta.stages.shared.specs import write_specs
from multibeta.stages.shared.unlike import unlike
from multibeta.study import Study

# The jobs of 10,000 cells are millions of objects that stay; looking through them for garbage at Python's own rate takes
# a quarter of the time that it takes to plan them.
gc.set_threshold(100_000, 50, 100)

RESULTS = Path("results")
CELL = "results/{study}/cells/{dataset}/{variant}/beta~{beta}"

try:
    # Snakemake takes the last of a key given twice, and tells nobody.
    for file in workflow.configfiles:
        strict_yaml.read(file)
    STUDY = Study.parse(
        config, str((workflow.config_settings.configfiles or ["config.yaml"])[-1])
    )
except ConfigError as error:
    sys.exit(str(error))


# Jobs call the multibeta of the environment that Snakemake itself runs in, activated or not. In an environment that
# Snakemake makes for them (--sdm conda), that environment's Python runs the package of this repository, which
# environment.yml does not bring; in an image (--sdm apptainer) they call the image's.
DEPLOYMENT = workflow.deployment_settings.deployment_method
if DeploymentMethod.CONDA in DEPLOYMENT:
    SOURCE = Path(str(workflow.current_basedir)).resolve().parents[1] / "src"
    shell.prefix(
        f'multibeta() {{{{ PYTHONPATH="{SOURCE}" python -P -m multibeta.cli "$@"; }}}}; '
    )
elif not (STUDY.options.running.image and DeploymentMethod.APPTAINER in DEPLOYMENT):
    shell.prefix(f'export PATH="{Path(sys.executable).parent}:$PATH"; ')


if STUDY.options.running.image:

    container: STUDY.options.running.image


wildcard_constraints:
    study=STUDY.name,
    beta=r"[0-9.]+",


# A dry run writes nothing; a real one starts, if it is meant, by writing what each job is asked for.
onstart:
    try:
        STUDY.require_meant()
        write_specs(STUDY, RESULTS)
    except (ConfigError, OSError) as error:
        raise WorkflowError(str(error)) from None


# Where not even a job's log has room, its last line is lost with the reason.
onerror:
    room = os.statvfs(RESULTS if RESULTS.exists() else ".")
    if room.f_bavail * room.f_frsize < 2**20 or (
        room.f_files and not room.f_favail
    ):
        print(f"{RESULTS}: the disk is full", file=sys.stderr)


# A job of a cluster has so long; on this machine nobody ends it.
TIME_LIMIT = " --minutes {resources.runtime}" if workflow.remote_exec else ""


def cell_of(wildcards):
    return STUDY.cell(wildcards.dataset, wildcards.variant, wildcards.beta)


def data_file(name):
    """The file of that name in the prepared dataset of a cell."""
    return lambda wildcards: data_folder(RESULTS, cell_of(wildcards).data_key) / name


def cells_of_dataset(wildcards):
    return [cell for cell in STUDY.cells if cell.dataset.name == wildcards.dataset]


def features_of_dataset(wildcards):
    key = cells_of_dataset(wildcards)[0].data_key
    return data_folder(RESULTS, key) / "features.safetensors"


def references_fingerprint(wildcards):
    """What the references are measured by: the evaluation and the number of latents of every cell."""
    return sorted(
        {
            f"{cell.evaluation_fingerprint} {cell.training.latents}"
            for cell in cells_of_dataset(wildcards)
        }
    )


def files_of_cells(*names):
    folders = [cell.folder(RESULTS).path for cell in STUDY.cells]
    return [folder / name for folder in folders for name in names]


def whole_cells(wildcards):
    """Models and codes of every cell.

    Snakemake goes by times and by its own records. What is there and is not what is asked for, by what the files say,
    is made again because it is named here, as by --forcerun.
    """
    workflow.dag.forcefiles.update(map(str, unlike(STUDY, RESULTS)))
    return files_of_cells("models.safetensors", "codes.npz")
