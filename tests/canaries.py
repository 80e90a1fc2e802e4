# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Canaries: secrets in every place of every module that can hold one, and a server that repeats what it is sent."""

from __future__ import annotations

import importlib
import itertools
import re
import threading
import urllib.error
import urllib.request
from html import escape, unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote_plus

from encodings_of_secrets import WORDS
from project import ROOT

PLUGINS = "ansible_collections.privazio.opennebula.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("one_*.py"))
SIGN = "cNrY"  # in every canary, and nowhere else
NUMBERS = itertools.count()
OWN_NAMES = ["LICENSE_*"]  # given in secret_names
# Names of attributes that hold secrets.
NAMES = (
    "PASSWORD ROOT_PASSWD DB_PASSPHRASE RESTIC_PASSWORD API_KEY PRIVATE_KEY SSH_PRIVATE_KEY ONEGATE_TOKEN MY_TOKEN "
    "ACCESS_KEY_ID SECRET_ACCESS_KEY LDAP_PASSWORD S3_SECRET VCENTER_PASSWORD AWS_CREDENTIALS MYSQL_PWD LICENSE_X"
).split()
SECRET = re.compile(r"pass(word|wd|phrase)|secret|token|private_key")
ADDRESS = re.compile(r"path$|endpoint|url|target")
KEEP = {"api_url", "flow_url", "dest", "src", "report", "plan_file", "ca_path", "client_cert", "client_key"}


def canary(place: str) -> str:
    """A new secret, which tells where it was put."""
    return f"{SIGN}{next(NUMBERS)}-{place}/q=="


def key(place: str) -> str:
    body = "\n".join(canary(place) + "A" * 24 for dummy in range(3))
    return f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"


def address(place: str) -> str:
    return f"http://user:{canary(place).replace('/', '')}@files.example/image.img"


def attributes(place: str) -> dict[str, Any]:
    """Attributes of a template that all hold secrets, in vectors too."""
    held = {name: canary(f"{place}.{name}") for name in NAMES}
    script = f"#!/bin/sh\nmysql -p {canary(place + '.START_SCRIPT')}\ncurl {address(place + '.curl')}\n"
    context = {name: canary(f"{place}.CONTEXT.{name}") for name in NAMES}
    context |= {"START_SCRIPT": script, "USER_DATA": canary(f"{place}.USER_DATA"), "HOSTNAME": "web"}
    vector = {name: canary(f"{place}.vector.{name}") for name in ("ACCOUNT", "VALUE")}
    return {**held, "CLOUD_CREDENTIALS": vector, "CONTEXT": context, "SOURCE_URL": address(place), "NOTE": key(place)}


def value(place: str, name: str, option: dict[str, Any]) -> Any:
    """What an option is given that may hold a secret; None: it holds none."""
    kind = option.get("type", "str")
    if name in KEEP or "choices" in option or name == "quotas":
        return None
    if "options" in option:
        inner = {one: value(f"{place}.{one}", one, spec) for one, spec in option["options"].items()}
        inner = {one: given for one, given in inner.items() if given is not None}
        return (inner if kind == "dict" else [inner]) if inner else None
    if name == "context":
        return attributes(place)["CONTEXT"]
    if kind == "dict" or (kind == "raw" and name in ("template", "attributes")):
        return attributes(place)
    if kind == "str" and SECRET.search(name):
        return canary(place)
    return address(place) if kind == "str" and ADDRESS.search(name) else None


def options(name: str) -> dict[str, Any]:
    """The options of a module, each with secrets if it can hold them."""
    specified = getattr(importlib.import_module(f"{PLUGINS}.modules.{name}"), "OPTIONS", {})
    given = {one: value(f"{name}.{one}", one, option) for one, option in specified.items() if one != "api_password"}
    return {one: inner for one, inner in given.items() if inner is not None}


# ---------------------------------------------------------------- a server that repeats


class Echo:
    """An endpoint in front of a simulated cloud that refuses what writes, and repeats the whole request.

    Args:
        url (str): of the cloud behind it; oned and OneFlow have the same endpoint here.
        flow_url (str)
    """

    def __init__(self, url: str, flow_url: str) -> None:
        echo = self
        self.refused: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                echo.serve(self)

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

            def log_message(self, *dummy: object) -> None:
                pass

        self.behind = {"oned": url, "flow": flow_url}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/RPC2"
        self.flow_url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def serve(self, handler: Any) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        flow = handler.path != "/RPC2"
        method = handler.command if flow else re.search(rb"<methodName>([^<]*)", body).group(1).decode()
        reads = method == "GET" or method.endswith(("info", "infoset", "infoextended", "version", "config"))
        if reads:
            status, answer = self.forward("flow" if flow else "oned", handler, body)
        else:
            self.refused.append(f"{method} {handler.path}" if flow else method)
            status, answer = (500 if flow else 200), self.refusal(flow, method, handler, body)
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)

    def forward(self, which: str, handler: Any, body: bytes) -> tuple[int, bytes]:
        target = self.behind[which] if which == "oned" else self.behind[which] + handler.path
        request = urllib.request.Request(target, body or None, dict(handler.headers.items()), method=handler.command)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def refusal(self, flow: bool, method: str, handler: Any, body: bytes) -> bytes:
        text = body.decode(errors="replace")
        forms = [text, *(encode(text) for encode in WORDS.values()), quote_plus(unescape(text))]
        said = f"Refused: {handler.headers} {' '.join(forms)} and no more"
        if flow:
            return said.replace("\n\n", "\n").encode()  # the client leaves out what stands behind an empty line
        return (
            "<?xml version='1.0'?><methodResponse><params><param><value><array><data>"
            "<value><boolean>0</boolean></value>"
            f"<value><string>[{method}] {escape(said)}</string></value>"
            "<value><i4>2048</i4></value><value><i4>-1</i4></value></data></array></value></param></params>"
            "</methodResponse>"
        ).encode()
