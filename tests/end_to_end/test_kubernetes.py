"""Snakemake's Kubernetes executor and S3 storage with profiles/kubernetes, on stand-ins for a cluster and a bucket.

They are not in the environment, since every start of Snakemake would load them: the folder they are installed in
(`pip install --target`) is given as MULTIBETA_KUBERNETES.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from stand_in_kubernetes import Cluster
from tiny_study import BIN, ROOT, TINY

PLUGINS = os.environ.get("MULTIBETA_KUBERNETES", "")
NEEDED = [
    f"{PLUGINS}/{name}"
    for name in ("snakemake_executor_plugin_kubernetes", "snakemake_storage_plugin_s3", "moto", "flask")
]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(map(os.path.isdir, NEEDED)), reason="MULTIBETA_KUBERNETES names no folder with the plug-ins and moto"
    ),
]
PROFILE = yaml.safe_load((ROOT / "profiles/kubernetes/config.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def bucket(tmp_path):
    """The address of a server that speaks S3, from an empty store."""
    with open(tmp_path / "moto.log", "w+") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-p", "0"],
            env={**os.environ, "PYTHONPATH": PLUGINS},
            stderr=log,
            stdout=log,
        )
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", Path(log.name).read_text())):
            assert server.poll() is None, Path(log.name).read_text()
            time.sleep(0.1)
        yield found.group()
        server.kill()
        server.wait()


#: Everything in the bucket, copied to a folder: `python -c FETCH ADDRESS FOLDER`.
FETCH = """
import sys
from pathlib import Path

import boto3

address, folder = sys.argv[1:]
keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
for item in boto3.resource("s3", endpoint_url=address, **keys).Bucket("multibeta").objects.all():
    target = Path(folder) / item.key
    target.parent.mkdir(parents=True, exist_ok=True)
    item.Object().download_file(str(target))
"""


class Losing(Cluster):
    """A cluster that loses the first pod of a training."""

    def start(self, name, job):
        (container,) = job["spec"]["template"]["spec"]["containers"]
        if "--allowed-rules train" in container["args"][1] and not self.of("train"):
            container["args"][1] = "exit 75 # " + container["args"][1]
        super().start(name, job)

    def of(self, rule):
        """The pod specifications of its jobs."""
        pods = [job["spec"]["template"]["spec"] for job in self.jobs.values()]
        return [pod for pod in pods if f"--allowed-rules {rule} " in pod["containers"][0]["args"][1]]


def test_a_study_whose_results_lie_in_a_bucket_is_the_same_study(bucket, tmp_path, finished):
    shared = tmp_path / "shared"
    work = shared / "s3/multibeta"
    work.mkdir(parents=True)
    for name in ("workflow", "profiles"):
        shutil.copytree(ROOT / name, work / name)
    shutil.copy(ROOT / "Snakefile", work)
    shutil.copy(ROOT / "environment.yml", work)
    (work / "config.yaml").write_text(yaml.safe_dump({**TINY, "variants": ["beta_vae"], "strengths": [1]}))
    # What is in the image. Each pod installs the storage plug-in anew, for which there need be no network here.
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/pip").write_text("#!/bin/sh\n")
    (tmp_path / "bin/pip").chmod(0o755)
    image = {
        "PATH": f"{tmp_path / 'bin'}:{BIN}:{os.environ['PATH']}",
        "PYTHONPATH": f"{PLUGINS}:{os.environ.get('PYTHONPATH', '')}",
        "HOME": str(tmp_path),
        "OMP_NUM_THREADS": "1",
    }
    environment = {
        **image,
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "SNAKEMAKE_STORAGE_S3_ENDPOINT_URL": bucket,
        "SNAKEMAKE_STORAGE_S3_ACCESS_KEY": "key",
        "SNAKEMAKE_STORAGE_S3_SECRET_KEY": "secret",
    }
    command = [
        *(str(BIN / "snakemake"), "--workflow-profile", "profiles/kubernetes"),
        *("--local-storage-prefix", str(shared), "--remote-job-local-storage-prefix", str(shared)),
        *("--kubernetes-persistent-volumes", f"multibeta:{shared}"),
        *("--seconds-between-status-checks", "1"),
    ]

    def snakemake():
        return subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)

    with Losing(tmp_path / "pods", image) as cluster:
        (tmp_path / "kubeconfig").write_text(cluster.kubeconfig())
        # The executor may end with the pod it lost; the page has Snakemake started again then.
        ended = [snakemake()]
        while ended[-1].returncode and len(ended) < 3:
            ended.append(snakemake())
        assert ended[-1].returncode == 0, ended[-1].stdout + ended[-1].stderr
        assert len(cluster.of("train")) == 2
        pods = len(cluster.jobs)
        again = snakemake()
        assert "Nothing to be done" in again.stdout + again.stderr

        # The volume is lost: what was in the bucket is put onto a new one.
        stored = tmp_path / "stored"
        fetch = [sys.executable, "-c", FETCH, bucket, str(stored)]
        subprocess.run(fetch, env={**os.environ, "PYTHONPATH": PLUGINS}, check=True)
        assert list((work / "results/.state").iterdir())
        (work / "results").rename(tmp_path / "lost")
        shutil.rmtree(work / ".snakemake")
        shutil.copytree(stored / "results", work / "results")
        again = snakemake()
        assert "Nothing to be done" in again.stdout + again.stderr
        assert len(cluster.jobs) == pods

    # The same bytes as on one machine, on the volume and in the bucket.
    cell = "results/tiny/cells/digits/beta_vae/beta~1"
    for name in ("models.safetensors", "history.csv", "codes.npz", "metrics.csv", "arrays.npz"):
        at_home = (finished.path / cell / name).read_bytes()
        assert (tmp_path / "lost" / cell.removeprefix("results/") / name).read_bytes() == at_home, name
        assert (stored / cell / name).read_bytes() == at_home, name
    assert (stored / "results/tiny/report.md").read_bytes() == (tmp_path / "lost/tiny/report.md").read_bytes()

    assert_pods_are_given_what_the_profile_asks_for(cluster, shared)


def assert_pods_are_given_what_the_profile_asks_for(cluster, shared):
    training, measuring = cluster.of("train")[-1], cluster.of("measure")[-1]
    (container,) = training["containers"]
    asked = PROFILE["set-resources"]["train"]
    assert container["image"] == PROFILE["container-image"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == str(asked["gpu"])
    assert container["resources"]["limits"]["memory"] == f"{asked['mem_mb']}M"
    assert measuring["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "0"
    assert {"name": "multibeta", "mountPath": str(shared)} in container["volumeMounts"]
    claims = [volume.get("persistentVolumeClaim") for volume in training["volumes"]]
    assert {"claimName": "multibeta"} in claims
    # Keys go to the pods as a secret, not in their specification.
    assert {"SNAKEMAKE_STORAGE_S3_ACCESS_KEY", "SNAKEMAKE_STORAGE_S3_SECRET_KEY"} <= {
        variable["name"] for variable in container["env"]
    }
    assert '"secret"' not in json.dumps(cluster.jobs)
