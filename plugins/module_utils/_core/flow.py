# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""OneFlow beside oned: one client for a task, which connects to the one or the other when it is first needed."""

from __future__ import annotations

import os
import re
from types import SimpleNamespace

from ..pyone import (
    OneActionException,
    OneConnectionException,
    OneException,
    OneInternalException,
    OneProtocolException,
)
from ..pyone.flow import ONEFLOW, Document, OneFlow, encoded
from ..pyone.transport import Endpoint
from . import flow_format
from .cloud import client_options, connect, endpoints, first_line, session, unencrypted
from .failure import Unreachable, described

DONE = 5
# What OneFlow says of the VMs of a role without saying why.
NO_REASON = re.compile(r"^Error (undeploying|releasing) role .*: (Error undeploying nodes for role.*|false)$")
LAST_LINES = 6  # of a log, that an action may have written for each role
PORT = 2474
ONED_PORTS = (2633, 80, 443)  # of an api_url without a path
ENDPOINT_FILE = "~/.one/oneflow_endpoint"
# Methods of OneFlow that are for services and templates: they are told which of them is meant.
OF_BOTH = ("chgrp", "chmod", "chown", "delete", "rename", "update")


class Clients:
    """Calls API methods of oned, and those called ``flow.service.…`` and ``flow.service_template.…`` of OneFlow.

    Args:
        options (dict): of connect(), and flow_url.
        read_only (bool): refuse every method that changes anything.
        on_call (callable | None): called with the method's name before each request.
        warn (callable | None): called with a sentence when a connection is not encrypted.
    """

    def __init__(self, options, read_only=False, on_call=None, warn=None):
        self._options = options
        self._shared = {"read_only": read_only, "on_call": on_call}
        self._warn = warn
        self._one = self._flow = None
        self._old = False  # whether OneFlow has shown that it is that of OpenNebula 6

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for client in (self._one, self._flow):
            if client is not None:
                client.server_close()

    def call(self, method, *arguments):
        """The answer of a method.

        Raises:
            OneException, Failure
        """
        if not method.startswith("flow."):
            return self._oned().call(method, *arguments)
        dummy, kind, verb = method.split(".")
        try:
            return self._seen(self._written(kind, verb, arguments))
        except (OneConnectionException, OneProtocolException) as error:
            error.message = "OneFlow (%s): %s" % (flow_endpoint(self._options)[1], error.message)
            raise
        except (OneActionException, OneInternalException) as error:
            error.message += self._reason(*arguments[:1]) if NO_REASON.search(error.message) else ""
            raise

    def _written(self, kind, verb, arguments):
        """The answer; which form OneFlow has is seen in what it has, else in how it refuses the other one."""
        flow = self._oneflow()
        if verb not in flow_format.WRITTEN:
            return _answer(flow, kind, verb, arguments)
        try:
            return _answer(flow, kind, verb, self._old_form(verb, arguments) if self._old else arguments)
        except OneException as error:
            if self._old or flow_format.REFUSAL not in error.message:
                raise
        self._old = True
        return _answer(flow, kind, verb, self._old_form(verb, arguments))

    def _old_form(self, verb, arguments):
        found, at = list(arguments), flow_format.WRITTEN[verb]
        if verb == "instantiate":
            template = self._seen(self._oneflow().service_template(arguments[0]))
            found[at] = flow_format.by_position(template, found[at])
        found[at] = flow_format.old_form(verb, found[at])
        return found

    def _seen(self, answer):
        """An answer with its documents in the form of OpenNebula 7."""
        for document in getattr(answer, "DOCUMENT", None) or [answer]:
            if isinstance(document, Document) and flow_format.is_old(document):
                self._old = True
                flow_format.modernise(document)
        return answer

    def _reason(self, oid):
        """What the log of a service tells of lacking rights; whoever lacks those on the service writes none there."""
        try:
            found = self._oneflow().service(oid)
        except OneException:
            return ""
        lines = [line for line in found.log[-LAST_LINES:] if "Not authorized" in line["message"]]
        if lines:  # the first of the last moment: OneFlow tries what needs more rights afterwards
            return ": " + next(line["message"] for line in lines if line["timestamp"] == lines[-1]["timestamp"])
        return ": the user may lack the right MANAGE on it (it belongs to %s, group %s)" % (found.UNAME, found.GNAME)

    def request(self, method, *arguments):
        """Finds out whether a method can be sent, without sending it.

        Raises:
            OneException, Failure
        """
        if not method or method.startswith("flow."):
            encoded(arguments)
        else:
            self._oned().request(method, *arguments)

    @property
    def username(self):
        """As of pyone.Client; oned may be out of reach."""
        return session(self._options).partition(":")[0]

    def go_on_with(self, name, password):
        """As of pyone.Client."""
        self._oned().go_on_with(name, password)

    def _oned(self):
        if self._one is None:
            self._one = connect(dict(self._options, api_url=_oned_url(self._options)), warn=self._warn, **self._shared)
        return self._one

    def _oneflow(self):
        if self._flow is None:
            urls, dummy = flow_endpoint(self._options)
            try:
                for text in unencrypted(urls, self._options) if self._warn is not None else ():
                    self._warn(text)
                self._flow = OneFlow(urls, session(self._options), **self._shared, **client_options(self._options))
            except OneException as error:
                raise described(error, "connect to OneFlow") from None
        return self._flow


def _answer(flow, kind, verb, arguments):
    if verb == "pool":
        found = flow.services() if kind == "service" else flow.service_templates()
        return SimpleNamespace(DOCUMENT=[item for item in found if item.state != DONE])  # which is as good as gone
    if verb == "info":
        return flow.service(*arguments) if kind == "service" else flow.service_template(*arguments)
    if verb == "chmod":
        arguments = (arguments[0], int("".join(map(str, arguments[1:])), 2))  # nine bits, as one.*.chmod takes them
    named = {"kind": kind} if verb in OF_BOTH else {}
    answer = getattr(flow, verb)(*arguments, **named)
    return answer.ID if verb in ("clone", "create", "instantiate") else answer


# ---------------------------------------------------------------- endpoints


def flow_endpoint(options):
    """The endpoints of OneFlow, and where they are named.

    Args:
        options (dict): flow_url, api_url; each may be missing or None.

    Returns:
        tuple[list[str], str]

    Raises:
        Failure: none is named.
    """
    url, api_url = options.get("flow_url"), options.get("api_url")
    if url:
        return endpoints(url), "flow_url or ONEFLOW_URL"
    if api_url and is_flow(api_url):
        return endpoints(api_url), "api_url"
    stored = first_line(ENDPOINT_FILE)
    if stored:
        return endpoints(stored), ENDPOINT_FILE
    api_url = api_url or first_line("~/.one/one_endpoint")
    if not api_url:
        raise Unreachable("No endpoint of OneFlow: give flow_url, or set ONEFLOW_URL in the environment.")
    return [_beside(url) for url in endpoints(api_url)], "port %d of the host of api_url" % PORT


def is_flow(url):
    """Whether an api_url names OneFlow instead of oned, as in playbooks for community.general."""
    first = Endpoint(endpoints(url)[0], ONEFLOW)
    return not first.path.endswith("RPC2") if first.path else first.port not in ONED_PORTS


def _beside(url):
    endpoint = Endpoint(url)
    host = "[%s]" % endpoint.host if ":" in endpoint.host else endpoint.host
    return "%s://%s:%d" % ("https" if endpoint.tls else "http", host, PORT)


def _oned_url(options):
    """The endpoint of oned, which tasks on services need for names only."""
    url = options.get("api_url")
    if url and not is_flow(url):
        return url
    return os.environ.get("ONE_URL") or os.environ.get("ONE_XMLRPC") or None
