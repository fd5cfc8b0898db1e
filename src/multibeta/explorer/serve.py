"""Starts the page: checks what it is to show, then lets Streamlit serve it."""

from __future__ import annotations

import ipaddress
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from multibeta import registry
from multibeta.explorer.shelf import require_study

#: Streamlit as it is wanted here: it tells nobody, watches no files, and no answer waits for the collection of garbage.
OPTIONS = {
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    "runner.magicEnabled": "false",
    "runner.postScriptGC": "false",
    "server.fileWatcherType": "none",
    "server.headless": "true",
    "server.maxUploadSize": "20",
    "theme.primaryColor": "#0072B2",
}
#: Seconds in which the first image is shown.
LATER = 5.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(study: Path, address: str = LOOPBACK[0], port: int | None = None, plugins: Sequence[Path] = ()) -> int:
    """Serve the page of a study until it is stopped, and return the exit status.

    Args:
        address: to listen on; any but the loopback lets others see the results and start trainings.
        port: None: 8501, or the next one that is free.
        plugins: files of one's own that the study's models are made with; they are run.

    Raises:
        RuntimeError: Streamlit is not installed.
        FileNotFoundError: there is no study.
        PlugInError: a plug-in cannot be loaded.
    """
    if find_spec("streamlit") is None:
        raise RuntimeError("needs Streamlit, which is not installed: pip install 'multibeta[explorer]'")
    require_study(study)
    for plugin in plugins:
        registry.load_file(plugin)
    _import_ahead()
    options = {**OPTIONS, "server.address": address}
    if port is not None:
        options["server.port"] = str(port)
    arguments = [f"--{name}={value}" for name, value in options.items()]
    if is_loopback(address):
        # Other names that lead here are refused, so no page of elsewhere can look in.
        arguments += [f"--server.allowedHosts={name}" for name in LOOPBACK]
    else:
        print(f"explore: whoever reaches {address} can see {study} and start trainings", file=sys.stderr)
    page = str(Path(__file__).with_name("app.py"))
    from streamlit.web.cli import main

    main(["run", page, *arguments, "--", str(study), *(str(plugin.resolve()) for plugin in plugins)])
    return 0


def is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _import_ahead() -> None:
    """What the first image would wait for, before the address is told; and a little later what figures wait for."""
    import torch

    import multibeta.explorer.panels.cached
    import multibeta.model  # noqa: F401

    # One decodes one image at a time, which more threads only slow down.
    torch.set_num_threads(1)
    later = threading.Timer(LATER, import_module, ("seaborn",))
    later.daemon = True
    later.start()
