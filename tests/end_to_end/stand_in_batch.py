"""Stand-ins for the commands of LSF and PBS: jobs run on this machine in the background, by number, in one folder.

Called as `python stand_in_batch.py FOLDER COMMAND …` for a command such as bsub or qstat. FOLDER holds one file per job
and kind: `arguments` it was submitted with, `pid` of its process group, `status` it ended with, `output`. Where it has
a file `refusal`, no job is taken, and that says why. Limits are not kept: a test that wants a job out of time calls
`end`, which sends it SIGTERM, as these systems do.
"""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

#: Options that take a value, of bsub and qsub.
VALUED = {"-J", "-q", "-n", "-W", "-M", "-R", "-o", "-gpu", "-wa", "-wt", "-N", "-l", "-j"}


def install(folder: Path, programs: Path) -> None:
    """Write the commands into ``programs``, a folder of the PATH."""
    folder.mkdir()
    programs.mkdir()
    for name in ("bsub", "bjobs", "bkill", "qsub", "qstat", "qdel"):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} {folder} {name} "$@"\n', encoding="utf-8")
        program.chmod(0o755)


def submit(folder: Path, arguments: list[str]) -> str:
    command = list(arguments)
    while command[0].startswith("-"):
        del command[: 2 if command[0] in VALUED else 1]
    number = str(len(list(folder.glob("*.arguments"))) + 1)
    (folder / f"{number}.arguments").write_text("\n".join(arguments), encoding="utf-8")
    subprocess.Popen(
        [sys.executable, __file__, str(folder), "hold", number, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return number


def hold(folder: Path, number: str, command: list[str]) -> None:
    with (folder / f"{number}.output").open("wb") as output:
        job = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        (folder / f"{number}.pid").write_text(str(job.pid), encoding="utf-8")
        written = folder / f"{number}.written"
        written.write_text(str(job.wait()), encoding="utf-8")
        written.rename(folder / f"{number}.status")


def end(folder: Path, number: str) -> None:
    """End a job that has begun; one that has not is left alone."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        os.killpg(int((folder / f"{number}.pid").read_text(encoding="utf-8")), signal.SIGTERM)


def status(folder: Path, number: str) -> int | None:
    """What the job ended with; None while it runs."""
    path = folder / f"{number}.status"
    return int(path.read_text(encoding="utf-8")) if path.exists() else None


def main(folder: Path, name: str, arguments: list[str]) -> None:
    last = arguments[-1].partition(".")[0]
    refusal = folder / "refusal"
    if name == "hold":
        hold(folder, arguments[0], arguments[1:])
    elif name in {"bsub", "qsub"} and refusal.exists():
        sys.exit(refusal.read_text(encoding="utf-8"))
    elif name == "bsub":
        print(f"Job <{submit(folder, arguments)}> is submitted to queue <normal>.")
    elif name == "qsub":
        print(f"{submit(folder, arguments)}.stand-in")
    elif name in {"bkill", "qdel"}:
        for job in arguments:
            end(folder, job.partition(".")[0])
    elif not last.isdecimal():
        sys.exit(f"{last}: Illegal job ID." if name == "bjobs" else f"qstat: illegally formed job identifier: {last}")
    elif not (folder / f"{last}.arguments").exists():
        print(f"Job <{last}> is not found" if name == "bjobs" else f"qstat: Unknown Job Id {last}", file=sys.stderr)
    elif name == "bjobs":
        ended = status(folder, last)
        print("RUN" if ended is None else "EXIT" if ended else "DONE")
    elif name == "qstat":
        ended = status(folder, last)
        print(f"Job Id: {last}.stand-in\n    job_state = {'R' if ended is None else 'F'}")
        if ended is not None:
            print(f"    Exit_status = {ended}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
