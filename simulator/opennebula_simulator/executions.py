# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Executions of hooks: which events start which hooks, and what is kept of each. No command is ever run."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from . import publisher
from .store import Object

# Reads that hooks cannot wait for and that are not published; others came after the server's list.
UNPUBLISHED = {
    *(
        f"one.{kind}{form}.info"
        for kind in "vm template host group vn user datastore image vntemplate cluster document zone secgroup vmgroup"
        " vdc vrouter market marketapp hook".split()
        for form in ("", "pool")
    ),
    *("one.acl.info", "one.vmpool.infoextended", "one.groupquota.info", "one.userquota.info", "one.hooklog.info"),
}
SCRIPTS = {False: "/var/lib/one/remotes/hooks", True: "/var/tmp/one/hooks"}  # noqa: S108 on the host, if REMOTE
EXIT_CODES = {"false": 1}  # commands that are known to fail; all others succeed
HIDDEN = "****"


class Record(NamedTuple):
    """One execution."""

    hook: int
    number: int  # counts up from 0 in each hook
    timestamp: int
    arguments: str
    command: str
    code: int
    remote_host: str = ""
    retried: bool = False

    def xml(self) -> str:
        remote = f"<REMOTE_HOST>{self.remote_host}</REMOTE_HOST>" if self.remote_host else ""
        return (
            f"<HOOK_EXECUTION_RECORD><HOOK_ID>{self.hook}</HOOK_ID><EXECUTION_ID>{self.number}</EXECUTION_ID>"
            f"<TIMESTAMP>{self.timestamp}</TIMESTAMP><ARGUMENTS>{escape(self.arguments)}</ARGUMENTS><EXECUTION_RESULT>"
            f"<COMMAND>{escape(self.command)}</COMMAND><STDOUT></STDOUT><STDERR></STDERR><CODE>{self.code}</CODE>"
            f"</EXECUTION_RESULT>{remote}{'<RETRY>yes</RETRY>' if self.retried else ''}</HOOK_EXECUTION_RECORD>"
        )


def log(records: Iterable[Record]) -> str:
    return f"<HOOKLOG>{''.join([record.xml() for record in records])}</HOOKLOG>"


# ---------------------------------------------------------------- events


def called(cloud: Any, name: str, parameters: list[Any], answer: list[Any]) -> None:
    """A call has been answered, well or not: the hooks on its method run."""
    for hook in cloud["HOOK"]:
        if hook.type == "api" and hook.template.text("CALL") == name:
            start(cloud, hook, {"$API": encoded(call_info(parameters, answer))})
    if cloud.publisher is not None and name not in UNPUBLISHED:
        message = publisher.call_message(name, call_info(parameters, answer))
        cloud.publisher.publish([f"API {name} {answer[0]:d}"], encoded(message))


def call_info(parameters: list[Any], answer: list[Any]) -> str:
    rows = [("IN", i, item) for i, item in enumerate([HIDDEN, *parameters[1:]], 1)]
    rows += [("OUT", i, item) for i, item in enumerate(answer[:3], 1)]
    shown = "".join(
        [
            f"<PARAMETER><POSITION>{i}</POSITION><TYPE>{way}</TYPE><VALUE>{escape(plain(item))}</VALUE></PARAMETER>"
            for way, i, item in rows
        ]
    )
    return f"<CALL_INFO><RESULT>{answer[0]:d}</RESULT><PARAMETERS>{shown}</PARAMETERS><EXTRA/></CALL_INFO>"


def plain(item: Any) -> str:
    return str(item).lower() if isinstance(item, bool) else str(item)


def state_changed(cloud: Any, obj: Object, state: tuple[str, str]) -> None:
    """An object is in another state than before: the hooks on that state run."""
    kind = obj.kind.name
    if cloud.publisher is not None:
        message = publisher.state_message(kind, obj.oid, state, remote_host(obj), obj.xml())
        cloud.publisher.publish(publisher.state_topics(kind, obj.oid, state), encoded(message))
    for hook in cloud["HOOK"]:
        body = hook.template
        if hook.type == "state" and (body.text("RESOURCE"), body.text("STATE"), body.text("LCM_STATE")) == (
            kind,
            *state,
        ):
            start(cloud, hook, {"$TEMPLATE": encoded(obj.xml())}, remote_host(obj))


def remote_host(obj: Object) -> str:
    """Where a remote hook runs: on the host itself, or on that of the VM."""
    if obj.kind.name == "HOST":
        return obj.name
    history = getattr(obj, "history", ())
    return history[-1]["hostname"] if history else ""


def encoded(xml: str) -> str:
    return base64.b64encode(xml.encode()).decode()


# ---------------------------------------------------------------- execution


def start(cloud: Any, hook: Object, values: dict[str, str], host: str = "") -> None:
    words = [values.get(word, "" if word in ("$API", "$TEMPLATE") else word) for word in arguments_of(hook)]
    cloud.events.after(1, run, cloud, hook.oid, " ".join(words).strip(), host, False)


def arguments_of(hook: Object) -> list[str]:
    return hook.template.text("ARGUMENTS").split()


def run(cloud: Any, oid: int, arguments: str, host: str, retried: bool) -> None:
    """Event: the hook has been executed."""
    hook = cloud["HOOK"].get(oid)
    if hook is None:
        return
    body = hook.template
    remote = body.flag("REMOTE")
    if remote and not host:
        return  # there is no host to run it on: that is not logged
    program = body.text("COMMAND")
    path = program if program.startswith("/") else f"{SCRIPTS[remote]}/{program}"
    by_stdin = body.text("ARGUMENTS_STDIN").lower() == "yes"
    failed = cloud.events.fails("execute", hook.key)
    record = Record(
        hook=oid,
        number=hook.records[-1].number + 1 if hook.records else 0,
        timestamp=cloud.events.time(),
        arguments=arguments,
        command=path if by_stdin or not arguments else f"{path} {arguments}",
        code=1 if failed else EXIT_CODES.get(PurePosixPath(program).name, 0),
        remote_host=host if remote else "",
        retried=retried,
    )
    hook.records = [*hook.records, record][-retention(cloud) :]


def retention(cloud: Any) -> int:
    """How many executions of each hook are kept."""
    return int(cloud.config.vectors("HOOK_LOG_CONF")[0]["LOG_RETENTION"])
