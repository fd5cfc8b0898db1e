"""A Slurm cluster of two nodes on this machine, in namespaces of its own, with which it vanishes."""

import os
import shlex
import shutil
import subprocess
import time

import psutil

PROGRAMS = (
    "slurmctld",
    "slurmd",
    "munged",
    "sbatch",
    "srun",
    "squeue",
    "scancel",
    "setpriv",
    "unshare",
    "nsenter",
    "ip",
)
SPACES = ("--mount", "--pid", "--net", "--uts")
CONFIGURATION = """
ClusterName=test
SlurmctldHost=login
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# Also how long a requeued job waits; two minutes otherwise.
AuthInfo=cred_expire=15
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd-%n
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd-%n.pid
SlurmctldLogFile=/var/log/slurmctld.log
SlurmdLogFile=/var/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
GresTypes=gpu
# A dead node is noticed soon.
SlurmdTimeout=10
KillWait=10
# The machine has less than what is offered; what is asked for is counted, not used.
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname=login Port=7001 CPUs=4 RealMemory=64000 Gres=gpu:2
NodeName=n2 NodeHostname=login Port=7002 CPUs=4 RealMemory=64000 Gres=gpu:2
PartitionName=cpu Nodes=n1,n2 MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=n1,n2 MaxTime=INFINITE State=UP
"""
GPUS = """
NodeName=n1 Name=gpu File=/run/gpu[0-1]
NodeName=n2 Name=gpu File=/run/gpu[2-3]
"""
#: Private copies of the folders that the daemons write, an address beside the loopback's, without which no name is
#: resolved, and the daemons.
BEGIN = f"""
set -eu
hostname login
ip link set lo up
ip address add 10.0.0.1/32 dev lo
for folder in /etc/munge /run /var/log /var/spool /var/lib/munge; do mount -t tmpfs tmpfs $folder; done
mkdir -p /etc/slurm && mount -t tmpfs tmpfs /etc/slurm
mkdir -p /run/munge /var/log/munge /var/spool/slurmctld
printf '127.0.0.1 localhost\\n10.0.0.1 login\\n' > /run/hosts
mount --bind /run/hosts /etc/hosts
head -c 1024 /dev/urandom > /etc/munge/munge.key
chmod 400 /etc/munge/munge.key
printf %s {shlex.quote(CONFIGURATION)} > /etc/slurm/slurm.conf
printf %s {shlex.quote(GPUS)} > /etc/slurm/gres.conf
touch /run/gpu0 /run/gpu1 /run/gpu2 /run/gpu3
munged --force
slurmctld
slurmd -N n1
slurmd -N n2
echo up
exec sleep infinity
"""


def missing():
    """Why there can be no cluster here; nothing if there can."""
    if os.geteuid() != 0:
        return "starting Slurm's daemons needs root"
    absent = [program for program in PROGRAMS if not shutil.which(program)]
    if absent:
        return f"not installed: {', '.join(absent)} (Debian: slurm-wlm, munge, iproute2)"
    allowed = subprocess.run(["unshare", *SPACES, "--fork", "true"], capture_output=True, text=True, check=False)
    return allowed.returncode and f"no namespaces of one's own: {allowed.stderr.strip()}"


class Cluster:
    """Commands on its login node, and what may happen to a cluster."""

    def __enter__(self):
        # It dies with this process, however that ends.
        command = [
            "setpriv",
            "--pdeathsig",
            "KILL",
            "unshare",
            *SPACES,
            "--fork",
            "--mount-proc",
            "--kill-child",
            "bash",
            "-c",
            BEGIN,
        ]
        self.holder = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "up\n":
            raise RuntimeError(f"Slurm did not start: {self.holder.communicate()[1]}")
        (inside,) = psutil.Process(self.holder.pid).children()
        self.enter = ["nsenter", "--target", str(inside.pid), *SPACES]
        self.wait_for(lambda: self.nodes() == {"idle"}, seconds=30)
        return self

    def __exit__(self, *error):
        self.holder.kill()
        self.holder.wait()

    def run(self, *command):
        """What a command prints."""
        done = subprocess.run([*self.enter, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, *command, cwd, **keywords):
        """A process in a folder, which it enters once inside: seen from outside, the folder is on another mount."""
        inside = ["bash", "-c", 'cd "$0" && exec "$@"', str(cwd), *command]
        return subprocess.Popen([*self.enter, *inside], **keywords)

    def nodes(self):
        """The states of the nodes, without the star of one that does not answer."""
        return {state.rstrip("*") for state in self.run("sinfo", "--noheader", "--Node", "--format", "%T").split()}

    def jobs(self, states="all"):
        """What each job in these states does, by its number."""
        lines = self.run("squeue", "--noheader", "--states", states, "--format", "%i %k").splitlines()
        return dict(line.split(maxsplit=1) for line in lines)

    def facts(self, job):
        """What Slurm knows of a job, such as JobState, Restarts and TimeLimit."""
        return dict(word.split("=", 1) for word in self.run("scontrol", "show", "job", job).split() if "=" in word)

    def node_of(self, job):
        return self.run("squeue", "--noheader", "--job", job, "--format", "%N").strip()

    def kill_daemon(self, node):
        """The daemon of a node dies; what it started lives on, and nobody hears of it."""
        self.run("bash", "-c", f"kill -9 $(cat /run/slurmd-{node}.pid)")

    def crash(self, node):
        """A node dies: its daemon and all that it runs."""
        jobs = self.run("squeue", "--noheader", "--nodelist", node, "--states", "running", "--format", "%i").split()
        self.kill_daemon(node)
        for process in psutil.Process(self.holder.pid).children(recursive=True):
            try:
                words = process.cmdline()
                if words and words[0].startswith(tuple(f"slurmstepd: [{job}." for job in jobs)):
                    for doomed in [process, *process.children(recursive=True)]:
                        doomed.kill()
            except psutil.NoSuchProcess:
                continue

    def start_daemon(self, node):
        self.run("slurmd", "-N", node)

    def restart_controller(self, pause):
        """The controller dies, and comes back after some seconds."""
        self.run("bash", "-c", "kill -9 $(cat /run/slurmctld.pid)")
        time.sleep(pause)
        self.run("slurmctld")

    @staticmethod
    def wait_for(condition, seconds, meanwhile=lambda: None):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            meanwhile()
            time.sleep(0.2)
