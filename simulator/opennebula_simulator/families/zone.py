# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Zones. One outside a federation makes no others; the master of one lists them, and its slaves ask it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import database, federation, generic
from ..calls import Call, Method
from ..errors import internal, not_allocated, wrong_action
from ..store import NAMED, Kind, Object, template, text
from ..template import Template, TemplateError, attribute

ENABLED, DISABLED = 0, 1


def servers(obj: Object) -> str:
    return f"<SERVER_POOL>{''.join([attribute('SERVER', server) for server in obj.servers])}</SERVER_POOL>"


ZONE = Kind(
    name="ZONE",
    title="zone",
    method="zone",
    root="ZONE",
    layout=(*NAMED, text("STATE", "state"), template(), servers),
    owned=False,
    unique="pool",
    taken="Zone",
    first_id=100,
)
STORED = {
    "STATE": ("state", database.number),
    "SERVER_POOL": ("servers", lambda element: database.body(element).vectors("SERVER")),
}
RAFT = {
    "SERVER_ID": -1,
    "STATE": 0,
    "TERM": 0,
    "VOTEDFOR": -1,
    "COMMIT": 0,
    "LOG_INDEX": -1,
    "LOG_TERM": -1,
    "FEDLOG_INDEX": -1,
}


def allocate(call: Call, given: str) -> int:
    if call.cloud.federation.mode == federation.STANDALONE:
        raise not_allocated(ZONE.title, "New zones can only be created at federation master")
    body = call.template(given)
    call.require(call.need("CREATE", "ZONE"))
    body.erase("SERVER")
    return call.allocate(Object(ZONE, body.pop("NAME"), body, state=ENABLED, servers=[]), complete)


def complete(zone: Object) -> None:
    if not zone.template.text("ENDPOINT"):
        raise internal("ENDPOINT not present in template.")


def normalise(call: Call, zone: Object, body: Template) -> None:
    body.erase("SERVER")
    if not body.text("ENDPOINT"):
        body.set("ENDPOINT", "-")


def here(verb: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """For handlers that work on this zone only."""

    def wrap(run: Callable[..., Any]) -> Callable[..., Any]:
        def handler(call: Call, oid: int, *arguments: Any) -> Any:
            if oid != call.cloud.federation.zone:
                raise wrong_action(f"{verb} through the target zone endpoints")
            return run(call, call.object("ZONE", oid, "ADMIN"), *arguments)

        return handler

    return wrap


@here("Enable/disable mode have to be set")
def enable(call: Call, zone: Object, enabled: bool) -> None:
    zone.state = ENABLED if enabled else DISABLED
    call.cloud.federation.tell_master(zone)
    call.cloud.enabled = enabled


@here("Servers have to be added")
def add_server(call: Call, zone: Object, given: str) -> None:
    try:
        server = Template.parse(given).vector("SERVER")
    except TemplateError as error:
        raise wrong_action(str(error)) from None
    if server is None:
        raise wrong_action("Wrong SERVER definition. SERVER vector attribute is missing.")
    if not (server.get("ENDPOINT") or server.get("ENDPOINT_GRPC")):
        raise wrong_action(f"Missing {call.cloud.release.endpoints} in SERVER")
    used = [int(other["ID"]) for other in zone.servers]
    zone.servers.append({**server, "ID": str(max(used, default=-1) + 1)})
    call.cloud.federation.tell_master(zone)


@here("Servers have to be deleted")
def del_server(call: Call, zone: Object, server_id: int) -> None:
    kept = [server for server in zone.servers if server["ID"] != str(server_id)]
    if len(kept) == len(zone.servers):
        raise wrong_action("SERVER not found in zone")
    zone.servers = kept
    call.cloud.federation.tell_master(zone)


@here("Servers have to be deleted")
def reset_server(call: Call, zone: Object, server_id: int) -> None:
    """Makes a follower's replica start anew: there is none."""


def raft_status(call: Call) -> str:
    call.object("ZONE", call.cloud.federation.zone, "ADMIN")
    return f"<RAFT>{''.join([f'<{name}>{number}</{name}>' for name, number in RAFT.items()])}</RAFT>"


def server_to_server(call: Call, *arguments: Any) -> int:
    """What servers of a zone say to each other; a lone one has nothing to answer but its term."""
    if not call.is_admin:
        raise call.unauthorized(on=ZONE.title)
    return RAFT["TERM"]


def not_deleted(call: Call, zone: Object) -> str | None:
    return generic.system_object("Zones")(call, zone)


def bootstrap(cloud: Any) -> None:
    """The zone of the server; a slave has that of its master too."""
    grpc = f"localhost:{cloud.config.text('GRPC_PORT')}"
    own = cloud.release.shown("ZONE", {"ENDPOINT": cloud.options.endpoint, "ENDPOINT_GRPC": grpc})
    zones = [("OpenNebula", own)]
    if cloud.federation.mode == federation.SLAVE:
        zones = [("OpenNebula", {"ENDPOINT": cloud.options.master}), ("Slave", own)]
    for name, body in zones:
        cloud["ZONE"].bootstrap(Object(ZONE, name, Template(body.items()), state=ENABLED, servers=[]))
        cloud["ZONE"].next_id = max(cloud["ZONE"].next_id, federation.SLAVE_ZONE)


REPLICATE = (
    "leader_id:int, leader_commit:i8, leader_term:int, index:i8, term:int, prev_index:i8, prev_term:int,"
    " fed_index:i8, sql:string"
)
VOTE = "candidate_term:int, candidate_id:int, candidate_log_index:i8, candidate_log_term:int"

KINDS = [ZONE]
METHODS = [
    database.update(ZONE, STORED),
    Method("one.zone.allocate", "template:string", allocate),
    generic.update(ZONE, normalise=normalise),
    generic.delete(ZONE, "ADMIN", refuse=not_deleted),
    generic.info(ZONE),
    generic.rename(ZONE),
    Method("one.zone.enable", "oid:int, enable:boolean", enable),
    Method("one.zone.replicate", REPLICATE, server_to_server),
    Method("one.zone.fedreplicate", "index:i8, prev:i8, sql:string", server_to_server),
    Method("one.zone.voterequest", VOTE, server_to_server, reads=True),
    Method("one.zone.raftstatus", "", raft_status, reads=True),
    Method("one.zone.addserver", "oid:int, zs_str:string", add_server),
    Method("one.zone.delserver", "oid:int, zs_id:int", del_server),
    Method("one.zone.resetserver", "oid:int, zs_id:int", reset_server),
    generic.pool_info(ZONE),
]
