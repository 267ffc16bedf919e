# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A server on localhost that speaks as much of the API of the Hugging Face Hub as uploads and downloads need.

Repositories of models with one branch; every commit is kept, in memory. Weights go by LFS and are served, as on the
Hub, from another address that `resolve` redirects to; all else stands in the commit. Writing needs a token.
"""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import yaml

TOKEN = "hf_of_the_tests"
NAME = r"(?P<name>[\w.-]+/[\w.-]+)"
LFS_SUFFIXES = (".safetensors", ".mp4", ".png")


class RefusedError(Exception):
    """An answer that is an error: status, and the code by which the client knows what is missing."""

    def __init__(self, status: int, code: str):
        super().__init__(code)
        self.status, self.code = status, code


class HubServer(ThreadingHTTPServer):
    """Start with `with HubServer() as server:`; `server.address` is what `HF_ENDPOINT` takes."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        # Of each repository its commits in order: name -> files, which are content or the number of a large object.
        self.repositories: dict[str, dict[str, dict[str, bytes | str]]] = {}
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """For a process that shall use this Hub."""
        return {
            "HF_ENDPOINT": self.address,
            "HF_TOKEN": TOKEN,
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def files(self, name: str, revision: str = "main") -> dict[str, bytes | str]:
        """The files of a commit."""
        if name not in self.repositories:
            raise RefusedError(404, "RepoNotFound")
        commits = self.repositories[name]
        if revision != "main" and revision not in commits:
            raise RefusedError(404, "RevisionNotFound")
        return commits[self.commit(name, revision)]

    def commit(self, name: str, revision: str = "main") -> str:
        """The commit that a revision means."""
        return list(self.repositories[name])[-1] if revision == "main" else revision

    def add_commit(self, name: str, files: dict[str, bytes | str]) -> str:
        """Put a state of all files on top."""
        commits = self.repositories.setdefault(name, {})
        number = hashlib.sha1(f"{name} {len(commits)}".encode()).hexdigest()
        commits[number] = files
        return number


class Handler(BaseHTTPRequestHandler):
    """One request; the table at the end says which method answers what."""

    protocol_version = "HTTP/1.1"
    server: HubServer

    def log_message(self, *_):
        pass

    def answer(self):
        """Send what the route returns: JSON, or status, headers and content."""
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append(f"{self.command} {path}")
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            reply = self.reply_of(path)
        except RefusedError as refused:
            headers = {"X-Error-Code": refused.code, "X-Error-Message": refused.code}
            reply = refused.status, headers, encoded({"error": refused.code})
        if not isinstance(reply, tuple):
            reply = 200, {"Content-Type": "application/json"}, encoded(reply)
        self.send(*reply)

    do_GET = do_HEAD = do_POST = do_PUT = answer  # noqa: N815

    def reply_of(self, path: str):
        """What the first matching route returns."""
        method = "GET" if self.command == "HEAD" else self.command
        for verb, pattern, action in ROUTES:
            if verb == method and (found := re.fullmatch(pattern, path)):
                # Large objects are sent to a signed address, without the token.
                is_open = method == "GET" or path.startswith("/objects/")
                if not is_open and self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    raise RefusedError(401, "Unauthorized")
                return action(self, **found.groupdict())
        raise RefusedError(404, "NoSuchRoute")

    def send(self, status: int, headers: dict[str, str], content: bytes):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def create(self):
        asked = json.loads(self.body)
        name = f"{asked['organization']}/{asked['name']}"
        if name in self.server.repositories:
            reply = encoded({"error": "You already created this model repo", "url": f"{self.server.address}/{name}"})
            return 409, {"Content-Type": "application/json"}, reply
        self.server.add_commit(name, {".gitattributes": b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"})
        return {"url": f"{self.server.address}/{name}", "name": name}

    def information(self, name: str, revision: str | None = None):
        files = self.server.files(name, revision or "main")
        siblings = [{"rfilename": path} for path in files]
        return {
            "_id": name,
            "id": name,
            "sha": self.server.commit(name, revision or "main"),
            "siblings": siblings,
            "private": False,
            "tags": [],
            "downloads": 0,
        }

    def tree(self, name: str, revision: str, folder: str | None = None):
        files = self.server.files(name, revision)
        prefix = f"{folder}/" if folder else ""
        entries = [self.entry(path, content) for path, content in files.items() if path.startswith(prefix)]
        if prefix and not entries:
            raise RefusedError(404, "EntryNotFound")
        return entries

    def entry(self, path: str, content: bytes | str):
        if isinstance(content, bytes):
            return {"type": "file", "path": path, "size": len(content), "oid": git_number(content)}
        size = len(self.server.objects[content])
        pointer = {"oid": content, "size": size, "pointerSize": 130}
        return {"type": "file", "path": path, "size": size, "oid": git_number(content.encode()), "lfs": pointer}

    def preupload(self, name: str, revision: str):
        files = self.server.files(name, revision)
        return {
            "files": [
                {
                    "path": asked["path"],
                    "uploadMode": "lfs" if asked["path"].endswith(LFS_SUFFIXES) else "regular",
                    "shouldIgnore": False,
                    "oid": self.entry(asked["path"], files[asked["path"]])["oid"] if asked["path"] in files else None,
                }
                for asked in json.loads(self.body)["files"]
            ]
        }

    def batch(self, name: str):
        self.server.files(name)
        objects = json.loads(self.body)["objects"]
        for wanted in objects:
            if wanted["oid"] not in self.server.objects:
                wanted["actions"] = {"upload": {"href": f"{self.server.address}/objects/{wanted['oid']}"}}
        return {"transfer": "basic", "objects": objects}

    def put_object(self, number: str):
        if hashlib.sha256(self.body).hexdigest() != number:
            raise RefusedError(400, "WrongContent")
        self.server.objects[number] = self.body
        return 200, {}, b""

    def get_object(self, number: str):
        if number not in self.server.objects:
            raise RefusedError(404, "EntryNotFound")
        return 200, {"ETag": f'"{number}"'}, self.server.objects[number]

    def add_commit(self, name: str, revision: str):
        files = dict(self.server.files(name, revision))
        for line in self.body.splitlines():
            operation = json.loads(line)
            value = operation["value"]
            if operation["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif operation["key"] == "lfsFile":
                if value["oid"] not in self.server.objects:
                    raise RefusedError(400, "ObjectNotUploaded")
                files[value["path"]] = value["oid"]
            elif operation["key"] == "deletedFile":
                del files[value["path"]]
            elif operation["key"] != "header":
                raise RefusedError(400, f"No such operation here: {operation['key']}")
        number = self.server.add_commit(name, files)
        address = f"{self.server.address}/{name}/commit/{number}"
        return {"success": True, "commitOid": number, "commitUrl": address}

    def resolve(self, name: str, revision: str, path: str):
        content = self.server.files(name, revision).get(path)
        headers = {"X-Repo-Commit": self.server.commit(name, revision)}
        if content is None:
            return 404, headers | {"X-Error-Code": "EntryNotFound"}, b""
        if isinstance(content, bytes):
            return 200, headers | {"ETag": f'"{git_number(content)}"'}, content
        size = str(len(self.server.objects[content]))
        headers |= {"X-Linked-Size": size, "X-Linked-ETag": f'"{content}"'}
        # Another host, as on the Hub: clients take these headers from the last answer of the Hub itself.
        return 302, headers | {"Location": f"http://localhost:{self.server.server_port}/objects/{content}"}, b""

    def validate_yaml(self):
        block = re.match(r"---\n(.*?)\n---\n", json.loads(self.body)["content"], re.DOTALL)
        try:
            data = yaml.safe_load(block[1]) if block else None
        except yaml.YAMLError as error:
            return 400, {}, encoded({"errors": [{"message": str(error)}], "warnings": []})
        return {"errors": [], "warnings": [] if data else [{"message": "empty or missing yaml metadata"}]}


def encoded(reply: dict | list) -> bytes:
    return json.dumps(reply).encode()


def git_number(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


ROUTES = [
    ("POST", "/api/repos/create", Handler.create),
    ("POST", "/api/validate-yaml", Handler.validate_yaml),
    ("GET", f"/api/models/{NAME}", Handler.information),
    ("GET", f"/api/models/{NAME}/revision/(?P<revision>.+)", Handler.information),
    ("GET", f"/api/models/{NAME}/tree/(?P<revision>[^/]+)", Handler.tree),
    ("GET", f"/api/models/{NAME}/tree/(?P<revision>[^/]+)/(?P<folder>.+)", Handler.tree),
    ("POST", f"/api/models/{NAME}/preupload/(?P<revision>.+)", Handler.preupload),
    ("POST", f"/api/models/{NAME}/commit/(?P<revision>.+)", Handler.add_commit),
    ("POST", f"/{NAME}.git/info/lfs/objects/batch", Handler.batch),
    ("PUT", "/objects/(?P<number>[0-9a-f]{64})", Handler.put_object),
    ("GET", "/objects/(?P<number>[0-9a-f]{64})", Handler.get_object),
    ("GET", f"/{NAME}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", Handler.resolve),
]
