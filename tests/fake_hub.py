"""A server on this machine that speaks the part of the Hugging Face Hub's API that fetching and publishing need."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "1" * 40


class FakeHub(ThreadingHTTPServer):
    """One repository, me/tiny. `listed` and `bodies` say other sizes and send other bytes than its files have.

    `more` stands beside its files in the listing, `info` in what is said of the repository.
    """

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.listed: dict[str, Any] = {}
        self.more: list[Any] = []
        self.info: dict[str, Any] = {}
        self.bodies: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.pushed: dict[str, bytes] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def _send(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _json(self, value: Any, status: int = 200) -> None:
        self._send(json.dumps(value).encode(), status, Content_Type="application/json")

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        hub = self.server
        hub.asked.append(path)
        if path.startswith("/api/models/me/tiny/tree/"):
            sizes = {**{name: len(content) for name, content in hub.files.items()}, **hub.listed}
            files = [{"type": "file", "path": name, "size": size, "oid": "0" * 40} for name, size in sizes.items()]
            self._json([*files, *hub.more])
        elif path.startswith("/api/models/me/tiny"):
            self._json({"id": "me/tiny", "sha": COMMIT, "siblings": [], "private": False, "tags": [], **hub.info})
        elif path.startswith("/me/tiny/resolve/") and (name := path.split("/", 5)[5]) in hub.files:
            content = hub.bodies.get(name, hub.files[name])
            etag = hashlib.sha256(content).hexdigest()
            self._send(content, ETag=f'"{etag}"', X_Repo_Commit=COMMIT, Accept_Ranges="bytes")
        else:
            self._json({"error": "Repository not found"}, 404)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        self.server.asked.append(path)
        if path == "/api/repos/create":
            self._json({"url": f"{self.server.address}/me/tiny", "name": "me/tiny", "id": "1"})
        elif path.endswith("/preupload/main"):
            files = [{"path": one["path"], "uploadMode": "regular"} for one in json.loads(body)["files"]]
            self._json({"files": [{**one, "shouldIgnore": False} for one in files]})
        elif path.endswith("/commit/main"):
            for line in map(json.loads, body.decode().splitlines()):
                if line["key"] == "file":
                    self.server.pushed[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            commit = f"{self.server.address}/me/tiny/commit/{COMMIT}"
            self._json({"success": True, "commitOid": COMMIT, "commitUrl": commit, "hookOutput": ""})
        else:
            self._json({"type": "regular"})


@contextmanager
def serve_hub(files: dict[str, bytes]) -> Iterator[FakeHub]:
    hub = FakeHub(files)
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
