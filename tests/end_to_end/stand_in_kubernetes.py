"""A stand-in for the API of a Kubernetes cluster: it keeps what it is asked for and runs the commands of pods.

It knows the few calls of Snakemake's executor. A pod gets its own working folder, empty as an `emptyDir` is, and no
variable but those of its specification and ``environment``; its volumes are folders that are there already.
"""

import base64
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Cluster:
    """``jobs``: the specifications it was given, by name; ``secrets``: their values by name."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        self.jobs: dict[str, dict] = {}
        self.secrets: dict[str, dict] = {}
        self.pods: dict[str, subprocess.Popen] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pod in self.pods.values():
            pod.kill()
            pod.wait()
        self.server.shutdown()
        self.server.server_close()

    def kubeconfig(self) -> str:
        cluster = {"name": "stand-in", "cluster": {"server": f"http://127.0.0.1:{self.server.server_port}"}}
        context = {"name": "stand-in", "context": {"cluster": "stand-in", "user": "nobody"}}
        users = [{"name": "nobody", "user": {}}]
        return json.dumps({"current-context": "stand-in", "clusters": [cluster], "contexts": [context], "users": users})

    def start(self, name, job):
        self.jobs[name] = job
        (container,) = job["spec"]["template"]["spec"]["containers"]
        folder = self.folder / name
        folder.mkdir(parents=True)
        environment = dict(self.environment)
        for variable in container.get("env", []):
            reference = variable["valueFrom"]["secretKeyRef"]
            value = self.secrets[reference["name"]][reference["key"]]
            environment[variable["name"]] = base64.b64decode(value).decode()
        with open(self.folder / f"{name}.log", "wb") as log:
            self.pods[name] = subprocess.Popen(
                [*container["command"], *container["args"]], cwd=folder, env=environment, stdout=log, stderr=log
            )

    def pod(self, name):
        status = self.pods[name].poll()
        state = {"running": {}} if status is None else {"terminated": {"exitCode": status}}
        container = {"name": "snakemake", "image": "", "imageID": "", "ready": True, "restartCount": 0, "state": state}
        return {"metadata": {"name": name}, "status": {"containerStatuses": [container]}}

    def answer(self, method, path, body):
        """The body of the answer and its status."""
        *_, kind, name = path.partition("?")[0].split("/")
        if method == "POST" and name == "secrets":
            self.secrets[body["metadata"]["name"]] = body.get("data", {})
        elif method == "POST" and name == "jobs":
            self.start(body["metadata"]["name"], body)
        elif method == "GET" and name == "status":
            pod = self.pods[path.split("/")[-2]].poll()
            body = {"status": {} if pod is None else {"failed": 1} if pod else {"succeeded": 1}}
        elif method == "GET" and name == "pods":
            asked = path.partition("job-name%3D")[2].partition("&")[0]
            body = {"items": [self.pod(asked)]}
        elif method == "GET" and name == "log":
            # A pod that is never restarted has no previous container, and the real API says so with this status.
            return {"message": "previous terminated container not found"}, 400
        else:
            body = {"kind": kind}
        return body, 200

    def _handler(cluster):
        class Handler(BaseHTTPRequestHandler):
            def do(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else {}
                answer, status = cluster.answer(self.command, self.path, body)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_DELETE = do

            def log_message(self, *_):
                pass

        return Handler
