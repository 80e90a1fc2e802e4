# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""OneFlow: services of many VMs, by the REST API of OpenNebula's orchestrator.

Where OneFlow accepts a request and does nothing, or does half of it, this client does the rest or raises; each such
place says what OneFlow 7.4 does.
"""

from __future__ import annotations

import json
import os
import re
from types import SimpleNamespace

from .client import BaseClient
from .depth import DEEPEST, bounded, too_deep
from .errors import (
    BY_CODE,
    OneActionException,
    OneApiException,
    OneArgumentException,
    OneException,
    OneNoExistsException,
    OneProtocolException,
)
from .transport import AUTHORIZATION, Request, Service, basic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence

    Body = dict[str, Any]

ONEFLOW = Service("http://frontend:2474", lambda path: (path or "").rstrip("/"), True)
SERVICE, SERVICE_TEMPLATE = "service", "service_template"

STATES = (
    "PENDING DEPLOYING RUNNING UNDEPLOYING WARNING DONE FAILED_UNDEPLOYING FAILED_DEPLOYING SCALING FAILED_SCALING"
    " COOLDOWN DEPLOYING_NETS UNDEPLOYING_NETS FAILED_DEPLOYING_NETS FAILED_UNDEPLOYING_NETS HOLD"
).split()
# Which constants.SERVICE_STATES end only by `recover`, and which pass by themselves.
FAILED_STATES = frozenset((6, 7, 9, 13, 14))
TRANSIENT_STATES = frozenset((1, 3, 8, 10, 11, 12))
# What may be done with the VMs of a role.
ROLE_ACTIONS = (
    "terminate terminate-hard undeploy undeploy-hard hold release stop suspend resume reboot reboot-hard poweroff"
    " poweroff-hard snapshot-create snapshot-revert snapshot-delete disk-snapshot-create disk-snapshot-revert"
    " disk-snapshot-delete"
).split()
# What happens with the VM templates of the roles, and their images, when a service template is cloned or deleted.
RECURSIVE = ("none", "templates", "all")

_NO_OBJECT = re.compile(r"\[[\w.]+\] Error getting document \[-?\d+\]")
_WRONG_STATE = re.compile(r"\bin (DONE )?state\b|[Ww]rong state|has no roles in HOLD")
_BAD_LOGIN = re.compile(r"[Ii]nvalid credentials|username and password must be")
_CODES = {400: 0x1000, 403: 0x0100, 404: 0x0400, 405: 0x0800, 500: 0x2000}


class Document(dict):
    """A service or a service template: OneFlow's JSON object, with the fields that programs ask for as attributes.

    ``service["PERMISSIONS"]["OWNER_U"]`` is the text that OneFlow has, ``service.ID`` a number.
    """

    @property
    def ID(self) -> int:
        return int(self["ID"])

    @property
    def UID(self) -> int:
        return int(self["UID"])

    @property
    def GID(self) -> int:
        return int(self["GID"])

    @property
    def UNAME(self) -> str:
        return str(self["UNAME"])

    @property
    def GNAME(self) -> str:
        return str(self["GNAME"])

    @property
    def NAME(self) -> str:
        return str(self["NAME"])

    @property
    def PERMISSIONS(self) -> Any:
        """OWNER_U, OWNER_M, … as attributes, each 0 or 1."""
        return SimpleNamespace(**{right: int(value) for right, value in self["PERMISSIONS"].items()})

    @property
    def LOCK(self) -> Any:
        """LOCKED, TIME, … as numbers; None for one that is not locked."""
        found = self.get("LOCK")
        return None if not found else SimpleNamespace(**{name: int(value) for name, value in found.items()})

    @property
    def body(self) -> Body:
        """What OneFlow keeps of it; empty for a document that is none of OneFlow's."""
        found = self["TEMPLATE"].get("BODY") if isinstance(self.get("TEMPLATE"), dict) else None
        return found if isinstance(found, dict) else {}

    @property
    def roles(self) -> list[Body]:
        return self.body.get("roles") or []

    @property
    def state(self) -> int | None:
        """A number of constants.SERVICE_STATES; None for a template."""
        return self.body.get("state")

    @property
    def state_name(self) -> str | None:
        state = self.state
        return None if state is None else STATES[state] if 0 <= state < len(STATES) else "UNKNOWN_%d" % state

    @property
    def failed(self) -> bool:
        """Whether only `recover` leads on."""
        return self.state in FAILED_STATES

    @property
    def transient(self) -> bool:
        """Whether the state passes by itself."""
        return self.state in TRANSIENT_STATES

    @property
    def log(self) -> list[Body]:
        """Lines with timestamp, severity (I, E) and message."""
        return self.body.get("log") or []

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes beside the body, such as LABELS."""
        return {name: value for name, value in self["TEMPLATE"].items() if name != "BODY"}

    @property
    def labels(self) -> list[str]:
        return [label.strip() for label in self.attributes.get("LABELS", "").split(",") if label.strip()]


class OneFlow(BaseClient):
    """A client of one OneFlow server.

    Services and their templates are documents with one sequence of ids.  Where a method is for both and `kind` is not
    given, the client asks OneFlow which of them an id is.

    Args:
        uri (str | list[str] | None): endpoint, ``http://frontend:2474``; several are tried in order.
            None: ONEFLOW_URL of the environment.
        session (str | None): ``user:password``.  None: ONEFLOW_USER and ONEFLOW_PASSWORD of the environment.
        read_only (bool): refuse every request that changes anything.
        on_call (callable | None): called with ``GET /service/5`` and the like before each request that is sent.
        options: timeout, context, https_verify, retries, limit; see transport.Transport.

    Raises:
        OneException: no endpoint or no session is given, or the endpoint is no URL.

    Every method raises, beside what it says itself, the members of OneException's family, with `status` (int, HTTP) and
    `code` (int, of OpenNebula): OneAuthenticationException (unknown user or wrong password),
    OneAuthorizationException (the user may not do this), OneNoExistsException (no such id), OneActionException (the
    state does not allow it), OneApiException (content that OneFlow refuses), OneInternalException (it failed),
    OneArgumentException (nothing was sent), OneConnectionException and OneProtocolException.
    """

    def __init__(
        self,
        uri: str | Sequence[str] | None = None,
        session: str | None = None,
        read_only: bool = False,
        on_call: Callable[[str], object] | None = None,
        **options: Any,
    ) -> None:
        uri = uri or os.environ.get("ONEFLOW_URL")
        if not uri:
            raise OneException("no endpoint: give uri, or set ONEFLOW_URL in the environment")
        user, password = os.environ.get("ONEFLOW_USER"), os.environ.get("ONEFLOW_PASSWORD")
        if not session and user and password:
            session = "%s:%s" % (user, password)
        super().__init__(uri, session, read_only, on_call, service=ONEFLOW, **options)

    def __enter__(self) -> OneFlow:
        return self

    # ------------------------------------------------------------ requests

    def request(self, verb: str, path: str, content: Any = None, writes: bool | None = None) -> Any:
        """Sends any request.

        Args:
            verb (str): GET, POST, PUT or DELETE.
            path (str): ``/service/5``.
            content: what is sent as JSON; None: nothing.
            writes (bool | None): whether it changes anything; None: unless it is a GET.

        Returns:
            The answer's JSON; None when it has no body.
        """
        name = "%s %s" % (verb, path)
        return self._guarded(
            name, self._request, name, verb, path, content, verb != "GET" if writes is None else writes
        )

    def _request(self, name, verb, path, content, writes):
        if writes:
            self._forbid_writes(name)
        body = b"" if content is None else encoded(content)
        self._announce(name)
        headers = (AUTHORIZATION + basic(self._session), "Content-Type: application/json")
        status, answer = self._transport.send(Request(body, verb, path, headers), not writes)
        text = bytes(answer).decode("utf-8", "replace")
        if not 200 <= status < 300:
            raise _failure(status, text, name)
        if not text.strip():
            # To an action that it does not know, or that lacks a parameter, OneFlow says 200 without a body.
            if status == 200:
                raise OneApiException("OneFlow has ignored the request", name, 0x1000)
            return None
        return _parsed(text, name)

    def _action(self, kind, oid, action, **params):
        """POST …/action; the parameters that are None are left out."""
        given = {key: value for key, value in params.items() if value is not None}
        content = {"action": {"perform": action, "params": given}}
        return self.request("POST", "%s/action" % _path(kind, oid), content)

    def _document(self, verb, path, content=None):
        answer = self.request(verb, path, content)
        try:
            return _whole(answer["DOCUMENT"])
        except (TypeError, KeyError, ValueError, AttributeError):
            raise _no_document(verb, path) from None

    def _pool(self, kind):
        answer = self.request("GET", "/" + kind)
        try:
            found = answer["DOCUMENT_POOL"].get("DOCUMENT") or []  # an empty pool has none
            return [_whole(item) for item in ([found] if isinstance(found, dict) else found)]
        except (TypeError, KeyError, ValueError, AttributeError):
            raise _no_document("GET", "/" + kind) from None

    def _kind(self, oid, kind):
        """The kind of a document, which OneFlow is asked for when it is not given."""
        if kind in (SERVICE, SERVICE_TEMPLATE):
            return kind
        if kind is not None:
            raise OneArgumentException("the kind %r is neither 'service' nor 'service_template'" % (kind,))
        try:
            self.service(oid)
            return SERVICE
        except OneNoExistsException:
            self.service_template(oid)
            return SERVICE_TEMPLATE

    def _settled(self, oid, doing, holds, also=""):
        """The template, once it is as an action should have made it.

        To actions on templates OneFlow answers 204 whatever became of them.
        """
        found = self.service_template(oid)
        if not holds(found):
            message = (
                "OneFlow has accepted to %s service template %d, but has not done it: the user may lack the right "
                "MANAGE on it (it belongs to %s, group %s)%s, or it is locked"
                % (doing, oid, found.UNAME, found.GNAME, also)
            )
            raise OneActionException(message, "POST %s/action" % _path(SERVICE_TEMPLATE, oid), 0x0800, oid)
        return found

    # ------------------------------------------------------------ services and templates

    def services(self) -> list[Document]:
        """The services that the user may see, the newest first."""
        return self._pool(SERVICE)

    def service(self, oid: int) -> Document:
        """One service.  Raises OneNoExistsException: no service has this id (a template may have)."""
        return self._document("GET", _path(SERVICE, oid))

    def service_templates(self) -> list[Document]:
        """The service templates that the user may see, the newest first."""
        return self._pool(SERVICE_TEMPLATE)

    def service_template(self, oid: int) -> Document:
        """One service template.  Raises OneNoExistsException: no template has this id (a service may have)."""
        return self._document("GET", _path(SERVICE_TEMPLATE, oid))

    def create(self, body: Body) -> Document:
        """Creates a service template.

        Args:
            body (dict): name, roles (each with name, type, template_id, …), deployment, networks, user_inputs, …

        Returns:
            Document: the template as OneFlow keeps it.
        """
        return self._document("POST", "/" + SERVICE_TEMPLATE, _mapping("body", body))

    def update(self, oid: int, body: Body, append: bool = False, kind: str | None = None) -> Document:
        """Changes the content of a service or a service template.

        Args:
            oid (int)
            body (dict): the whole content, or with `append` the keys to set.  What a service was deployed with (name,
                deployment, networks, user_inputs, …) has to be as it is.
            append (bool): keep the keys that `body` does not have.
            kind (str | None): ``service`` or ``service_template``.

        Returns:
            Document: as it is afterwards.
        """
        _mapping("body", body)
        if self._kind(oid, kind) == SERVICE:
            content = {"append": True, "template": encoded(body).decode()} if append else body
            self.request("PUT", _path(SERVICE, oid), content)
            return self.service(oid)
        return self._update_template(oid, body, append)

    def _update_template(self, oid, body, append):
        """OneFlow drops the attributes beside the body, such as LABELS, and does not rename with the body's name."""
        before = self.service_template(oid)
        if append:
            self._action(SERVICE_TEMPLATE, oid, "update", append=True, template_json=encoded(body).decode())
        else:
            self.request("PUT", _path(SERVICE_TEMPLATE, oid), body)
        if before.attributes:
            self._set_attributes(oid, before.attributes)
        if body.get("name") and body["name"] != before.NAME:
            self._action(SERVICE_TEMPLATE, oid, "rename", name=body["name"])
        return self._settled(oid, "update", lambda found: _has(found.body, body))

    def update_attributes(self, oid: int, attributes: dict[str, str]) -> None:
        """Sets attributes beside the body of a service template, such as LABELS; the others stay.

        Args:
            oid (int)
            attributes (dict): texts by name.
        """
        self._set_attributes(oid, _mapping("attributes", attributes))
        self._settled(oid, "update", lambda found: attributes.items() <= found.attributes.items())

    def _set_attributes(self, oid, attributes):
        from .template import write

        self._action(SERVICE_TEMPLATE, oid, "update", append=True, template_raw=write(attributes))

    def rename(self, oid: int, name: str, kind: str | None = None) -> None:
        """Renames a service or a service template.

        The new name of a template is that of the services made from it, too: OneFlow alone changes only the document's.
        """
        if not name:
            raise OneArgumentException("the name cannot be empty")  # OneFlow accepts it and does nothing
        if self._kind(oid, kind) == SERVICE:
            self._action(SERVICE, oid, "rename", name=name)
        else:
            self._action(SERVICE_TEMPLATE, oid, "rename", name=name)
            self._settled(oid, "rename", lambda found: name == found.NAME)
            self._update_template(oid, {"name": name}, append=True)

    def chown(self, oid: int, user: int, group: int = -1, kind: str | None = None) -> None:
        """Gives a service with its VMs, or a service template, to a user (id) and a group (id); -1 stays as it is."""
        if user == -1:
            return self.chgrp(oid, group, kind)
        kind = self._kind(oid, kind)
        # Without a group, OneFlow puts a template into group 0.
        self._action(kind, oid, "chown", owner_id=_number("user", user), group_id=_number("group", group, -1))
        if kind == SERVICE_TEMPLATE:
            also = " or the right MANAGE on user %d" % user
            self._settled(oid, "chown", lambda found: user == found.UID and group in (-1, found.GID), also)
        return None

    def chgrp(self, oid: int, group: int, kind: str | None = None) -> None:
        """Gives a service with its VMs, or a service template, to a group (id)."""
        kind = self._kind(oid, kind)
        self._action(kind, oid, "chgrp", group_id=_number("group", group))
        if kind == SERVICE_TEMPLATE:
            self._settled(oid, "chgrp", lambda found: group == found.GID)

    def chmod(self, oid: int, mode: int | str, kind: str | None = None) -> None:
        """Sets the permissions of a service or a service template.

        Args:
            oid (int)
            mode (int | str): ``0o640`` or ``"640"``.
            kind (str | None): ``service`` or ``service_template``.
        """
        octal = _octal(mode)
        kind = self._kind(oid, kind)
        self._action(kind, oid, "chmod", octet=octal)
        if kind == SERVICE_TEMPLATE:
            self._settled(oid, "chmod", lambda found: _mode(found) == octal)

    def delete(self, oid: int, recursive: str = "none", kind: str | None = None) -> None:
        """Undeploys a service, which is gone once its VMs are; or deletes a service template.

        Args:
            oid (int)
            recursive (str): of a template; ``templates``: also the VM templates of its roles, ``all``: also their
                images.
            kind (str | None): ``service`` or ``service_template``.
        """
        _choice("recursive", recursive, RECURSIVE)
        kind = self._kind(oid, kind)
        content = {"delete_type": recursive} if kind == SERVICE_TEMPLATE and recursive != "none" else None
        self.request("DELETE", _path(kind, oid), content)

    # ------------------------------------------------------------ templates

    def instantiate(self, oid: int, merge: Body | None = None, name: str | None = None) -> Document:
        """Creates a service from a service template.

        Args:
            oid (int): of the template.
            merge (dict | None): what is merged into its content: user_inputs_values, networks_values, roles, …
            name (str | None): of the service; None: that of the template.

        Returns:
            Document: the service, which is being deployed.
        """
        content = dict(_mapping("merge", merge or {}), **({"name": name} if name else {}))
        given = {"action": {"perform": "instantiate", "params": {"merge_template": content}}}
        return self._document("POST", "%s/action" % _path(SERVICE_TEMPLATE, oid), given)

    def clone(self, oid: int, name: str, recursive: str = "none") -> Document:
        """Copies a service template.

        Args:
            oid (int)
            name (str): of the copy.
            recursive (str): ``templates``: copies of the VM templates, too; ``all``: also of their images.

        Returns:
            Document: the copy.
        """
        _choice("recursive", recursive, RECURSIVE)
        path = "%s/action" % _path(SERVICE_TEMPLATE, oid)
        try:
            given = {"action": {"perform": "clone", "params": {"name": name, "recursive": recursive}}}
            return self._document("POST", path, given)
        except OneNoExistsException as error:
            if "[0]" not in error.message or oid == 0:
                raise
        # OneFlow goes on with document 0 when it could not make the copy.
        self.service_template(oid)
        raise OneActionException("OneFlow could not clone service template %d" % oid, "POST " + path, 0x0800, oid)

    # ------------------------------------------------------------ services

    def scale(self, oid: int, role: str, cardinality: int, force: bool = False) -> None:
        """Changes the number of VMs of a role.

        Args:
            oid (int): of a service that is RUNNING.
            role (str)
            cardinality (int)
            force (bool): also outside of min_vms and max_vms.
        """
        content = {"role_name": role, "cardinality": _number("cardinality", cardinality), "force": bool(force)}
        self.request("POST", _path(SERVICE, oid, "scale"), content)  # a scale without force is an error of the server

    def add_role(self, oid: int, role: Body) -> None:
        """Adds a role (dict: name, type, template_id, cardinality, …) to a service that is RUNNING, and deploys it."""
        self._role_change(oid, "add_role", _mapping("role", role))

    def remove_role(self, oid: int, role: str) -> None:
        """Removes a role and its VMs from a service that is RUNNING; with the last role goes the service."""
        self._role_change(oid, "remove_role", role)

    def _role_change(self, oid, action, role):
        content = {"action": {"perform": action, "params": {"role": role}}}
        self.request("POST", _path(SERVICE, oid, "role_action"), content)

    def recover(self, oid: int, delete: bool = False) -> None:
        """Goes on where a service has failed or waits; `delete`: removes it, whatever its state is."""
        self._action(SERVICE, oid, "recover", delete=True if delete else None)

    def release(self, oid: int) -> None:
        """Lets a service that is on HOLD run."""
        self._action(SERVICE, oid, "release")

    def role_action(
        self,
        oid: int,
        role: str | None,
        action: str,
        period: int | None = None,
        number: int | None = None,
        args: str | None = None,
    ) -> None:
        """Schedules an action on the VMs of a role.

        Args:
            oid (int)
            role (str | None): None: on the VMs of all roles.
            action (str): one of ROLE_ACTIONS.
            period (int | None): seconds between two groups of VMs; None: as OneFlow is configured.
            number (int | None): VMs of a group; None: as OneFlow is configured.
            args (str | None): of the action, such as the name of a snapshot.
        """
        _choice("action", action, ROLE_ACTIONS)  # OneFlow accepts any for a role, and does nothing
        given = {"period": period, "number": number, "args": args}
        params = {key: value for key, value in given.items() if value is not None}
        below = ("role", role, "action") if role is not None else ("action",)
        self.request("POST", _path(SERVICE, oid, *below), {"action": {"perform": action, "params": params}})

    def delete_sched_action(self, oid: int, number: int, role: str | None = None) -> None:
        """Removes a scheduled action (its ID) from the VM of a service, or of one of its roles, that has it."""
        below = ("sched_action", str(_number("number", number)))
        self.request("DELETE", _path(SERVICE, oid, *((("role", role) if role is not None else ()) + below)))

    def purge_done(self) -> None:
        """Removes the services that are DONE."""
        self.request("POST", "/service_pool/purge_done")


# ---------------------------------------------------------------- arguments


def _path(kind, oid, *below):
    parts = ["", kind, str(_number("oid", oid))]
    if below:
        from urllib.parse import quote

        parts += [quote(part, safe="") for part in below]
    return "/".join(parts)


def _number(name, value, least=0):
    """OneFlow takes a text that is no number for 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise OneArgumentException("%s has to be a whole number from %d: %r" % (name, least, value))
    return int(value)


def _mapping(name, value):
    if not isinstance(value, dict):
        raise OneArgumentException("%s has to be a dictionary: %r" % (name, type(value).__name__))
    return value


def _choice(name, value, choices):
    if value not in choices:
        raise OneArgumentException("%s has to be one of %s: %r" % (name, ", ".join(choices), value))


def encoded(content: Any) -> bytes:
    """JSON. Raises OneArgumentException: it cannot be written so."""
    if too_deep(content):
        raise OneArgumentException("content that is nested more than %d levels deep cannot be sent" % DEEPEST)
    try:
        return json.dumps(content, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise OneArgumentException("the content cannot be written as JSON: %s" % error) from None


def _octal(mode):
    """Permissions as three digits: OneFlow reads "0640" and the number 640 as other permissions."""
    text = "%03o" % mode if isinstance(mode, int) and not isinstance(mode, bool) else str(mode)
    if not re.fullmatch("0?[0-7]{3}", text):
        raise OneArgumentException("mode has to be octal permissions such as 0o640 or '640': %r" % (mode,))
    return text[-3:]


def _mode(document):
    bits = document["PERMISSIONS"]
    binary = "".join(bits["%s_%s" % (who, what)] for who in ("OWNER", "GROUP", "OTHER") for what in "UMA")
    return "%03o" % int(binary, 2)


def _has(found, wanted):
    """Whether the scalar keys of a body are as they were given; OneFlow adds to the others."""
    return all(found.get(key) == value for key, value in wanted.items() if isinstance(value, (str, bool)))


# ---------------------------------------------------------------- answers


def _parsed(text, name):
    try:
        return bounded(json.loads, text)
    except ValueError:
        raise OneProtocolException("the answer is not JSON: %r" % text[:60], name) from None


def _whole(found):
    """The Document of an answer.

    Raises:
        TypeError, KeyError, ValueError, AttributeError: it lacks what each of OneFlow's has, or has it in another form.
    """
    document = Document(found)
    told = [document.ID, document.UID, document.GID, document.UNAME, document.GNAME, document.NAME, document.labels]
    told += [document.PERMISSIONS, _mode(document), document.state_name]
    told += [[node["deploy_id"] for node in role.get("nodes") or [] if role["name"]] for role in document.roles]
    told += [line["message"] for line in document.log]
    return document


def _no_document(verb, path):
    return OneProtocolException("the answer is none of OneFlow", "%s %s" % (verb, path))


def _words(text):
    """What OneFlow says in the body of an error, without the interpreter's extract of its source."""
    try:
        found = bounded(json.loads, text)
    except (ValueError, OneProtocolException):
        found = text
    if isinstance(found, dict):
        inner = found.get("error", found)
        inner = inner if isinstance(inner, dict) else {"message": inner}
        found = ": ".join(str(inner[key]) for key in ("message", "reason") if inner.get(key))
    return str(found).partition("\n\n")[0].strip()


def _failure(status, text, name):
    """The exception for an answer that is an error."""
    words = _words(text)
    code = _code(status, words)
    kind = OneProtocolException if code is None else BY_CODE[code]
    unknown = "the endpoint answers HTTP %d to %s: is it a OneFlow server?" % (status, name)
    found = re.search(r"/(\d+)", name) if code == 0x0400 else None
    message = unknown if code is None else words or "HTTP %d" % status
    error = kind(message, name, status if code is None else code, int(found.group(1)) if found else None)
    error.status = status
    return error


def _code(status, words):
    """OpenNebula's code; None when the answer is not OneFlow's."""
    if words[:1] == "<" or (status not in _CODES and status != 401):
        return None
    if status == 401:  # OneFlow has one status for who is not known and for who may not do it
        return 0x0100 if _BAD_LOGIN.search(words) else 0x0200
    if status == 500 and _NO_OBJECT.match(words):
        return 0x0400
    if status == 500 and _WRONG_STATE.search(words):
        return 0x0800
    return _CODES[status]
