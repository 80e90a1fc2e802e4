# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""OneFlow on a port: who asks, which route it is, and how the answer is written."""

from __future__ import annotations

import base64
import json
import re
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

from .. import sessions
from ..errors import Refused
from ..http import Request, Response
from . import documents, templates, validator
from .documents import SERVICE, TEMPLATE, Actor
from .errors import Denied, Slip, missing
from .form import form_of
from .lifecycle import ACTIONS, Flow, update_request
from .merge import whole

HTML, JSON = "text/html;charset=utf-8", "application/json"
NOWHERE = "<!DOCTYPE html>\n<html><body><h2>There is no such route</h2><pre>%s %s</pre></body></html>\n"


class Asked(NamedTuple):
    """A request of an authenticated user: the parts of its path, and its body."""

    flow: Flow
    actor: Actor
    parts: tuple[str, ...]
    body: bytes

    @property
    def oid(self) -> int:
        return whole(self.parts[0])

    def json(self) -> dict:
        """Raises Slip: these routes do not expect that it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            raise Slip(f"unexpected token at '{self.body.decode(errors='replace')}'") from None
        if not isinstance(found, dict):
            raise missing("[]", found)
        return found

    def action(self) -> tuple[Any, Any]:
        """What is to be done, and its parameters (None without any). Raises Slip."""
        action = self.json().get("action")
        if not isinstance(action, dict):
            raise missing("[]", action)
        return action.get("perform"), action.get("params")


Answer = tuple[int, Any]  # HTTP status, and a JSON object or None
Handler = Callable[[Asked], Answer]
ROUTES: list[tuple[str, re.Pattern[str], Handler]] = []


def route(verb: str, path: str) -> Callable[[Handler], Handler]:
    """A handler for a path with parts such as :id."""
    pattern = re.compile(re.sub(r":\w+", "([^/]+)", path))

    def register(handler: Handler) -> Handler:
        ROUTES.append((verb, pattern, handler))
        return handler

    return register


def document(found: Any) -> dict:
    return {"DOCUMENT": documents.shown(found)}


def pool(found: list) -> dict:
    shown = [documents.shown(each) for each in found]
    return {"DOCUMENT_POOL": {"DOCUMENT": shown} if shown else {}}


# ---------------------------------------------------------------- services


@route("GET", "/service")
def services(asked: Asked) -> Answer:
    return 200, pool(documents.pool(asked.actor, SERVICE))


@route("GET", "/service/:id")
def service(asked: Asked) -> Answer:
    return 200, document(documents.read(asked.actor, asked.oid, SERVICE))


@route("DELETE", "/service/:id")
def undeploy(asked: Asked) -> Answer:
    asked.flow.undeploy(asked.actor, asked.oid)
    return 204, None


@route("PUT", "/service/:id")
def update(asked: Asked) -> Answer:
    text, append = update_request(asked.body, form_of(asked.actor.cloud))
    asked.flow.update(asked.actor, asked.oid, text, append)
    return 204, None


@route("DELETE", "/service/:id/sched_action/:number")
def unschedule(asked: Asked) -> Answer:
    asked.flow.unschedule(asked.actor, asked.oid, None, sched_id(asked, 1))
    return 204, None


@route("DELETE", "/service/:id/role/:name/sched_action/:number")
def unschedule_role(asked: Asked) -> Answer:
    number = sched_id(asked, 2)
    asked.flow.unschedule(asked.actor, asked.oid, asked.parts[1], number)
    return 204, None


def sched_id(asked: Asked, part: int) -> int:
    """Raises Denied: it is none."""
    text = asked.parts[part]
    if not re.fullmatch(r"[0-9]+", text):
        raise Denied("Sched action ID must be an integer number", 400)
    return int(text)


@route("POST", "/service/:id/role/:name/action")
def schedule_role(asked: Asked) -> Answer:
    action, given = asked.action()
    asked.flow.schedule(asked.actor, asked.oid, asked.parts[1], action, with_defaults(asked, given))
    return 204, None


def with_defaults(asked: Asked, given: Any) -> dict:
    if not isinstance(given, dict):
        raise missing("[]", given)
    settings = asked.flow.settings
    defaults = {"period": settings.period, "number": settings.number}
    return {**given, **{name: value for name, value in defaults.items() if given.get(name) is None}}


@route("POST", "/service/:id/scale")
def scale(asked: Asked) -> Answer:
    given = asked.json()
    number = whole(given.get("cardinality"))
    asked.flow.scale(asked.actor, asked.oid, given.get("role_name"), number, given.get("force"))
    return 204, None


@route("POST", "/service/:id/role_action")
def role_action(asked: Asked) -> Answer:
    perform, given = asked.action()
    if perform not in ("add_role", "remove_role"):
        raise Denied(f"Action {perform} not supported")
    if not isinstance(given, dict):
        raise missing("[]", given)
    if perform == "remove_role":
        asked.flow.remove_role(asked.actor, asked.oid, given.get("role"))
        return 204, None
    role = given["role"] if isinstance(given.get("role"), dict) else templates.parsed(given.get("role"))
    validator.validate_role(role, form_of(asked.actor.cloud))
    asked.flow.add_role(asked.actor, asked.oid, role)
    return 204, None


# ---------------------------------------------------------------- actions on services


@route("POST", "/service/:id/action")
def act(asked: Asked) -> Answer:
    perform, given = asked.action()
    if perform in SERVICE_ACTIONS:  # release is one of these, and not that of VMs
        needed, does, wanted = SERVICE_ACTIONS[perform]
        given = given if isinstance(given, dict) else {}
        if needed and given.get(needed) is None:
            raise Denied(f"Action {perform}: You have to specify {wanted}")
        does(asked, given)
    elif perform in ACTIONS:
        asked.flow.schedule(asked.actor, asked.oid, None, perform, with_defaults(asked, given))
    else:
        raise Denied(f"Action {perform} not supported")
    return 204, None


def chown(asked: Asked, given: dict) -> None:
    group = whole(given["group_id"]) if given.get("group_id") is not None else -1
    asked.flow.chown(asked.actor, asked.oid, whole(given["owner_id"]), group)


def rename(asked: Asked, given: dict) -> None:
    actor, oid = asked.actor, asked.oid
    asked.flow.on_document(actor, oid, lambda: actor.call("one.document.rename", oid, given["name"]))


def chmod(asked: Asked, given: dict) -> None:
    actor, oid = asked.actor, asked.oid
    asked.flow.on_document(actor, oid, lambda: documents.chmod(actor, oid, given["octet"]))


# Action -> the parameter that it needs, what it does, and what the server calls the parameter.
SERVICE_ACTIONS: dict[Any, tuple[str, Callable[[Asked, dict], None], str]] = {
    "recover": ("", lambda asked, given: asked.flow.recover(asked.actor, asked.oid, bool(given.get("delete"))), ""),
    "release": ("", lambda asked, given: asked.flow.release(asked.actor, asked.oid), ""),
    "chown": ("owner_id", chown, "a UID"),
    "chgrp": (
        "group_id",
        lambda asked, given: asked.flow.chown(asked.actor, asked.oid, -1, whole(given["group_id"])),
        "a GID",
    ),
    "chmod": ("octet", chmod, "an OCTET"),
    "rename": ("name", rename, "a name"),
}


@route("POST", "/service_pool/purge_done")
def purge_done(asked: Asked) -> Answer:
    for found in documents.pool(asked.actor, SERVICE):
        if (documents.body_of(found) or {}).get("state") == DONE:
            asked.actor.tries("one.document.delete", found.oid)
    return 204, None


DONE = 5

# ---------------------------------------------------------------- service templates


@route("GET", "/service_template")
def service_templates(asked: Asked) -> Answer:
    return 200, pool(documents.pool(asked.actor, TEMPLATE))


@route("GET", "/service_template/:id")
def service_template(asked: Asked) -> Answer:
    return 200, document(documents.read(asked.actor, asked.oid, TEMPLATE))


@route("POST", "/service_template")
def create_template(asked: Asked) -> Answer:
    return 201, document(templates.create(asked.actor, asked.body))


@route("PUT", "/service_template/:id")
def update_template(asked: Asked) -> Answer:
    templates.update(asked.actor, asked.oid, asked.body)
    return service_template(asked)


@route("DELETE", "/service_template/:id")
def delete_template(asked: Asked) -> Answer:
    try:
        what = json.loads(asked.body)["delete_type"]
    except (ValueError, TypeError, KeyError):
        what = "none"
    templates.delete(asked.actor, asked.oid, what)
    return 204, None


@route("POST", "/service_template/:id/action")
def act_on_template(asked: Asked) -> Answer:
    """What is not known, or lacks its parameter, is answered as if all were well; so is what oned refuses."""
    perform, given = asked.action()
    given = given if isinstance(given, dict) else {}
    if perform == "instantiate":
        found = documents.read(asked.actor, asked.oid, TEMPLATE)
        return 201, {"DOCUMENT": asked.flow.instantiate(asked.actor, found, given.get("merge_template"))}
    if perform == "clone":
        return cloned(asked, given)
    if perform == "update":
        return updated(asked, given)
    needed, does = TEMPLATE_ACTIONS.get(perform, ("", None))
    if does is None or (needed and given.get(needed) is None):
        return 200, None
    does(asked.actor, asked.oid, given)
    return 204, None


TEMPLATE_ACTIONS: dict[Any, tuple[str, Callable[[Actor, int, dict], Any]]] = {
    "rename": ("", lambda actor, oid, given: actor.tries("one.document.rename", oid, given.get("name"))),
    # without a group it is group 0
    "chown": (
        "owner_id",
        lambda actor, oid, given: actor.tries(
            "one.document.chown", oid, whole(given["owner_id"]), whole(given.get("group_id"))
        ),
    ),
    "chgrp": (
        "group_id",
        lambda actor, oid, given: actor.tries("one.document.chown", oid, -1, whole(given["group_id"])),
    ),
    "chmod": ("octet", lambda actor, oid, given: without_word(documents.chmod, actor, oid, given["octet"])),
}


def without_word(do: Callable[..., None], *arguments: Any) -> None:
    """Does something, and says nothing of oned's refusal."""
    try:
        do(*arguments)
    except Denied as error:
        if error.status == 400:
            raise


def cloned(asked: Asked, given: dict) -> Answer:
    try:
        return 201, document(templates.clone(asked.actor, asked.oid, given.get("name"), given.get("recursive")))
    except Denied as error:
        raise Denied(error.message) from None


def updated(asked: Asked, given: dict) -> Answer:
    append = given.get("append") is True
    if given.get("template_json") is not None:
        without_word(templates.update, asked.actor, asked.oid, given["template_json"], append)
    elif given.get("template_raw") is not None:
        asked.actor.tries("one.document.update", asked.oid, given["template_raw"], int(append))
    else:
        return 200, None
    return 204, None


NOT_OLD = (unschedule, unschedule_role)  # OpenNebula 6 has no such routes

# ---------------------------------------------------------------- HTTP


def answer(cloud: Any, request: Request) -> Response:
    """The answer to a request, from the cloud as it is now."""
    path = request.path.partition("?")[0]
    with cloud.lock:
        try:
            cloud.events.run_due()
            actor = authenticated(cloud, request.headers.get("authorization", ""))
            return written(*handled(cloud.flow, actor, request.verb, path, request.body))
        except Denied as error:
            return Response(error.status, error.message.encode(), HTML)
        except Slip as error:
            said = {"message": "Internal server error", "reason": str(error)}
            return Response(500, json.dumps(said).encode(), HTML)
        except Exception:
            traceback.print_exc()  # a fault of the simulator: seen on its terminal, told to the client
            return Response(500, b"Fault of the simulator", HTML)
        finally:
            cloud.look_around()


def authenticated(cloud: Any, header: str) -> Actor:
    """Raises Denied."""
    scheme, dummy, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise Denied("A username and password must be provided", 401)
    try:
        session = base64.b64decode(encoded, validate=True).decode()
        return Actor(cloud, *sessions.authenticate(cloud["USER"], session, cloud.events.now()))
    except (Refused, ValueError):
        raise Denied("Invalid credentials", 401) from None


def handled(flow: Flow, actor: Actor, verb: str, path: str, body: bytes) -> Answer:
    lacking = NOT_OLD if form_of(actor.cloud).old else ()
    for known, pattern, handler in ROUTES:
        found = pattern.fullmatch(path)
        if known == verb and found is not None and handler not in lacking:
            return handler(Asked(flow, actor, found.groups(), body))
    raise Denied(NOWHERE % (verb, path), 404)


def written(status: int, content: Any) -> Response:
    return Response(status, b"" if content is None else json.dumps(content).encode(), JSON)
