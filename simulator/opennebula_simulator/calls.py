# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Methods as rows of a table, and the call that runs one: arguments, session, objects, rights, answer.

    Method("one.host.status", "oid:int, status:int", set_status, needs="ADMIN HOST")

`needs` names, in the order of the parameters, an operation on the object that the parameter is the ID of. The handler
gets the call, the objects in place of those IDs, and the other arguments as they came. What it returns is the answer;
None stands for the first object's ID. It raises `Refused` to fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import AUTHORIZATION, Fault, Refused, internal, not_allocated, not_found
from .levels import level
from .permissions import Need, Who, refusal
from .store import Kind, Object, Pool
from .template import Template, TemplateError
from .xmlrpc import I8

if TYPE_CHECKING:
    from .cloud import Cloud

TYPES: dict[str, tuple[type, str]] = {
    "int": (int, "integer"),
    "i8": (I8, "64-bit integer"),
    "boolean": (bool, "boolean"),
    "string": (str, "a string"),
    "array": (list, "an array"),  # of integers
    "values": (list, "an array"),
}
UNEXPECTED = (
    "Unexpected error executing code for particular method, detected by Xmlrpc-c method registry code."
    "  Method did not fail; rather, it did not complete at all.  "
)
DEFAULTS: dict[str, Callable[[str], Any]] = {
    "int": int,
    "i8": int,
    "boolean": lambda text: text == "true",
    "string": lambda text: text,
    "array": lambda text: [],
}


class Param(NamedTuple):
    name: str
    type: str
    required: bool
    default: Any = None

    def read(self, given: list[Any]) -> Any:
        """The argument, given as a list of one or none. Raises Fault."""
        if given:
            return check_type(given[0], self.type)
        if self.required:
            raise Fault(-501, "Not enough parameters")
        return self.default


def params(text: str) -> list[Param]:
    """Parameters from "oid:int, template:string, append:int=0"; what has a "=" is optional."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        declared, equal, default = part.partition("=")
        name, dummy, kind = declared.partition(":")
        found.append(Param(name, kind, not equal, DEFAULTS[kind](default) if equal else None))
    return found


@dataclass
class Method:
    """One method of the API."""

    name: str
    arguments: str
    run: Callable[..., Any]
    needs: str | Sequence[str] = ()  # "MANAGE TEMPLATE", "MANAGE TEMPLATE ignoring locks"
    reads: bool = False  # changes nothing: allowed while the zone is disabled, objects are taken to be read
    help: str = ""
    first: str = ""  # the parameter that is looked at before the others
    lazy: bool = False  # optional parameters of a wrong type are told of once the objects are found

    def __post_init__(self) -> None:
        self.params = params(self.arguments)
        rows = [self.needs] if isinstance(self.needs, str) else self.needs
        self.needed = [(row.split()[0], row.split()[1], "ignoring" not in row) for row in rows]

    def read(self, given: list[Any]) -> list[Any]:
        """The arguments after the session, with defaults; surplus ones are ignored. Raises Fault."""
        order = sorted(range(len(self.params)), key=lambda i: self.params[i].name != self.first)
        found = {i: self.read_one(self.params[i], given[i : i + 1]) for i in order}
        return [found[i] for i in range(len(found))]

    def read_one(self, param: Param, given: list[Any]) -> Any:
        """An argument; of a lazy method the Fault itself. Raises Fault."""
        try:
            return param.read(given)
        except Fault as fault:
            if self.lazy and not param.required:
                return fault
            raise


def check_type(item: Any, wanted: str) -> Any:
    python_type, words = TYPES[wanted]
    if item.__class__ is not python_type:
        raise Fault(-501, f"Parameter that is supposed to be {words} is not")
    if wanted == "array" and any(number.__class__ is not int for number in item):
        raise Fault(-500, UNEXPECTED + "Not integer type.  See type() method")
    return item


class Call:
    """One call by an authenticated user."""

    def __init__(self, cloud: Cloud, method: Method, user: Object, who: Who, request: int) -> None:
        self.cloud = cloud
        self.method = method
        self.user = user
        self.who = who
        self.request = request  # a number drawn for each call, kept in locks and history records
        self.uid, self.gid, self.groups, self.is_admin = who.uid, who.gid, who.groups, who.is_admin

    def run(self, arguments: list[Any]) -> Any:
        self.refuse_disabled()
        oid = arguments[0] if arguments else None
        given = self.resolve(arguments)
        for fault in given if self.method.lazy else ():
            if isinstance(fault, Fault):
                raise fault
        answer = self.method.run(self, *given)
        if answer is not None:
            return answer
        return self.cloud.release.answers.get(self.method.name, lambda given: oid)(arguments)

    def refuse_disabled(self) -> None:
        """Raises Refused for what would change a disabled zone."""
        if not self.method.reads and not self.cloud.enabled and self.method.name != "one.zone.enable":
            raise internal("Cannot process request, zone disabled")

    # -------------------------------------------------------- objects and rights

    def resolve(self, arguments: list[Any]) -> list[Any]:
        """Puts objects in place of the IDs that the method's needs speak of, and checks the rights on them."""
        needs = []
        arguments = list(arguments)
        for i, (operation, kind, heeds_lock) in enumerate(self.method.needed):
            if operation == "CREATE" and "template" in [param.name for param in self.method.params[:1]]:
                self.template(arguments[0])  # what it is worth is told before what is not allowed
            if operation == "CREATE" or not self.method.params:
                needs.append(self.need(operation, kind))
                continue
            if arguments[i] < 0:
                self.require(self.need(operation, kind))
            arguments[i] = self.find(kind, arguments[i])
            needs.append(self.need(operation, arguments[i], heeds_lock))
        self.require(*needs)
        return arguments

    def pool(self, kind: str) -> Pool:
        return self.cloud[kind]

    def find(self, kind: str, oid: int) -> Object:
        """The object of this ID. Raises Refused NO_EXISTS."""
        pool = self.cloud[kind]
        obj = pool.get_ro(oid) if self.method.reads else pool.get(oid)
        if obj is None:
            raise not_found(pool.kind.title, oid)
        return obj

    def need(self, operation: str, target: str | Object, heeds_lock: bool = True) -> Need:
        """A right to an object, or to a kind given by name; an operation on VMs such as "disk-attach" has its level."""
        if operation.islower():
            operation = level(operation, self.places())
        if isinstance(target, str):
            return Need(operation, self.cloud[target].kind)
        return Need(operation, target.kind, target, heeds_lock)

    def require(self, *needs: Need) -> None:
        """Raises Refused AUTHORIZATION, naming all that is missing."""
        why = refusal(self.who, needs, self.cloud.rules)
        if why:
            raise self.unauthorized(why)

    def may(self, operation: str, target: str | Object) -> bool:
        return not refusal(self.who, [self.need(operation, target)], self.cloud.rules)

    def object(self, kind: str, oid: int, operation: str = "USE") -> Object:
        """The object of this ID, if the caller has the right to it. Raises Refused."""
        obj = self.find(kind, oid)
        self.require(self.need(operation, obj))
        return obj

    def unauthorized(self, why: str = "", on: str = "") -> Refused:
        """ "User [2] : <why>.", or "User [2] not authorized to perform action on <kind's title>."."""
        text = f": {why}" if why else f"not authorized to perform action on {on}"
        return Refused(AUTHORIZATION, f"User [{self.uid}] {text}.", why=why)

    # -------------------------------------------------------- templates and new objects

    def template(self, text: str, kind: Kind | None = None, prefix: str = "") -> Template:
        """A parsed template. Raises Refused INTERNAL with the parser's text behind the prefix."""
        try:
            last_wins = kind is not None and kind.last_wins
            return Template.parse(text, last_wins, trims=self.cloud.release.trims)
        except TemplateError as error:
            raise internal(f"{prefix}{error}") from None

    def allocate(self, obj: Object, prepare: Callable[[Object], None] = lambda obj: None) -> int:
        """Stores a new object under the caller's name. Raises Refused with the code of the kind.

        `prepare(obj)` is that of `Pool.add`: content is checked after the name.
        """
        kind, pool = obj.kind, self.cloud[obj.kind.name]
        if kind.owned:
            self.own(obj)
        with self.allocating(kind):
            return pool.add(obj, prepare)

    @contextmanager
    def allocating(self, kind: Kind) -> Iterator[None]:
        """Refusals within are those of a new object of the kind."""
        try:
            yield
        except Refused as error:
            allocates = self.cloud.release.allocation_codes.get(kind.name, kind.allocates)
            raise not_allocated(kind.title, error.message) if allocates else error from None

    def add_copy(self, obj: Object) -> int:
        """Stores a copy of another object under the caller's name. Raises Refused."""
        self.own(obj)
        try:
            return self.cloud[obj.kind.name].add(obj)
        except Refused as error:
            refused = self.cloud.release.clone_refused_as_allocation
            raise not_allocated(obj.kind.title, error.message) if refused else error from None

    def own(self, obj: Object) -> None:
        """Makes the caller the owner, with the permissions that his umask leaves."""
        group = self.cloud["GROUP"].get_ro(self.gid)
        obj.uid, obj.uname, obj.gid, obj.gname = self.uid, self.user.name, self.gid, group.name
        obj.bits = self.umasked() if obj.kind.bits is None else obj.kind.bits

    def configured(self, name: str, conf_name: str = "") -> str:
        """What the caller's user, his group or else oned.conf says."""
        user, group, conf = self.places()
        return user.text(name) or group.text(name) or conf.text(conf_name or name)

    def places(self) -> list[Template]:
        """Where settings are looked up: the caller's user, his group, oned.conf."""
        group = self.cloud["GROUP"].get_ro(self.gid)
        return [self.user.template, group.template, self.cloud.config]

    def umasked(self) -> int:
        umask = int(self.configured("UMASK", "DEFAULT_UMASK"), 8)
        return (0o777 if self.uid == 0 else 0o666) & ~umask
