# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Objects, their kinds and their pools: IDs, names, the XML they show.

An object's XML is kept until somebody takes the object to change it: `Pool.get` drops the kept text, `Pool.get_ro`
does not. So take with `get` what you change, with `get_ro` what you read, and hold IDs, not objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from . import attributes
from .errors import internal
from .releases import FORBIDDEN_IN_NAMES, LATEST, Release
from .template import Template

Field = Callable[["Object"], str]

MAX_NAME = 128


# ---------------------------------------------------------------- fields of the XML of an object


def text(tag: str, attribute: str) -> Field:
    """<TAG>value</TAG>, unescaped as the server writes it."""
    return lambda obj: f"<{tag}>{getattr(obj, attribute)}</{tag}>"


def cdata(tag: str, attribute: str) -> Field:
    return lambda obj: f"<{tag}><![CDATA[{getattr(obj, attribute)}]]></{tag}>"


def ids(tag: str, attribute: str) -> Field:
    """<TAG><ID>0</ID>…</TAG> from a set of IDs, ascending."""
    return lambda obj: f"<{tag}>{id_list(getattr(obj, attribute))}</{tag}>"


def id_list(numbers: Iterable[int]) -> str:
    return "".join([f"<ID>{number}</ID>" for number in sorted(numbers)])


def template(tag: str = "TEMPLATE", attribute: str = "template") -> Field:
    if attribute != "template":
        return lambda obj: getattr(obj, attribute).render(tag)
    return lambda obj: obj.template.render(tag, obj.details)


RIGHTS = [
    (f"{who}_{what}", 1 << (8 - 3 * i - j))
    for i, who in enumerate(("OWNER", "GROUP", "OTHER"))
    for j, what in enumerate("UMA")
]


def permissions(obj: Object) -> str:
    bits = "".join([f"<{name}>{1 if obj.bits & bit else 0}</{name}>" for name, bit in RIGHTS])
    return f"<PERMISSIONS>{bits}</PERMISSIONS>"


def unless_lacking(where: str, member: str, show: Field) -> Field:
    """A field that some releases do not have."""
    return lambda obj: show(obj) if obj.release.has(where, member) else ""


def lock(obj: Object) -> str:
    if obj.lock is None:
        return ""
    parts = "".join([f"<{name}>{number}</{name}>" for name, number in obj.lock.items()])
    return f"<LOCK>{parts}</LOCK>"


ID: Sequence[Field] = (text("ID", "oid"),)
NAMED: Sequence[Field] = (*ID, text("NAME", "name"))
OWNER: Sequence[Field] = (text("UID", "uid"), text("GID", "gid"), text("UNAME", "uname"), text("GNAME", "gname"))
OWNED: Sequence[Field] = (*ID, *OWNER, text("NAME", "name"))


# ---------------------------------------------------------------- kinds


@dataclass(eq=False)
class Kind:
    """What is common to all objects of a kind: its names in methods, texts and XML, and how it is shown."""

    name: str  # in rights, ACL rules and their error texts: "TEMPLATE"
    title: str  # in other error texts: "virtual machine template"
    method: str  # in method names: "template"
    root: str  # element of one object
    layout: Sequence[Field]  # children of that element
    listed: Sequence[Field] | None = None  # children in the pool, when they differ
    pool: str = ""  # element of the pool, ROOT_POOL if not given
    after_each: Field = lambda obj: ""  # what follows an object in the pool, as a sibling
    owned: bool = True  # has an owner, a group and permissions
    unique: str = "owner"  # names are unique per "owner", in the "pool", or not at all ("")
    stored: str = ""  # the kind in "Error transforming the … to XML.", Name if not given
    taken: str = ""  # the kind in "NAME is already taken by …", NAME if not given
    full_stop: str = "."  # what ends that text
    forbidden: str = FORBIDDEN_IN_NAMES  # characters that a name must not hold; "" accepts every name
    bits: int | None = None  # permissions of a new object; None: from the umask of the creator
    allocates: bool = False  # creation is refused with ALLOCATE, not INTERNAL
    last_wins: bool = False  # of a repeated attribute in the template only the last is kept
    restricted: str = ""  # prefix of the *_RESTRICTED_ATTR in oned.conf that bind other users than administrators
    restricted_title: str = ""  # its name in the error text: "VM Template"
    encrypted: str = ""  # prefix of the *_ENCRYPTED_ATTR in oned.conf
    first_id: int = 0  # first ID that is given to users' objects
    template_of: str = "template"  # the attribute that `update` changes
    clusters: Callable[[Any], Iterable[int]] = field(default=lambda obj: ())  # clusters for rules such as HOST/%0

    def __post_init__(self) -> None:
        self.pool = self.pool or f"{self.root}_POOL"
        self.taken = self.taken or self.name
        self.stored = self.stored or self.name.capitalize()
        self.listed = self.listed or self.layout


def invalid_name(name: str, forbidden: str = FORBIDDEN_IN_NAMES) -> str:
    """Why a name is refused; empty when it is not."""
    if not name:
        return "Invalid NAME, it cannot be empty"
    bad = next((char for char in name if char in forbidden), None)
    if bad is not None:
        return f"Invalid NAME, char '{bad}' is not allowed"
    if len(name.encode()) > MAX_NAME:
        return f"Invalid NAME, max length is {MAX_NAME} chars"
    return ""


# ---------------------------------------------------------------- objects


class Object:
    """One object. Further fields of its kind are plain attributes, given to the constructor."""

    release: Release = LATEST  # that of the pool, once it is stored

    def __init__(self, kind: Kind, name: str, body: Template | None = None, **fields: Any) -> None:
        self.kind = kind
        self.oid = -1
        self.name = name
        self.uid = self.gid = -1
        self.uname = self.gname = ""
        self.bits = 0
        self.lock: dict[str, int] | None = None
        self.seen_state: tuple[str, str] | None = None  # when hooks were last told of it
        self.template = Template(last_wins=kind.last_wins) if body is None else body
        self.details = ""  # what stands behind the attributes of TEMPLATE
        self._shown: dict[str, str] = {}
        self.__dict__.update(fields)

    def __repr__(self) -> str:
        return f"<{self.kind.name} {self.oid} {self.name!r}>"

    @property
    def key(self) -> str:
        """The object as a target of failure injection: "vm-3"."""
        return f"{self.kind.method}-{self.oid}"

    @property
    def in_clusters(self) -> Iterable[int]:
        return self.kind.clusters(self)

    def changed(self) -> None:
        """Drops the kept XML."""
        self._shown.clear()

    @contextmanager
    def detailed(self, details: str) -> Iterator[None]:
        """Within, the object is shown with more in its TEMPLATE."""
        if not details:
            yield
            return
        self.details = details
        self.changed()
        try:
            yield
        finally:
            self.details = ""
            self.changed()

    def children(self) -> str:
        """The children of the object's element, as `info` shows them."""
        return self._kept("info", self.kind.layout)

    def xml(self) -> str:
        return f"<{self.kind.root}>{self.children()}</{self.kind.root}>"

    def listed(self) -> str:
        """The object as its pool shows it, with what follows it there."""
        shown = self._shown
        if "pool" not in shown:
            root = self.kind.root
            children = self._kept("list", self.kind.listed or ())
            shown["pool"] = f"<{root}>{children}</{root}>{self.kind.after_each(self)}"
        return shown["pool"]

    def _kept(self, form: str, layout: Sequence[Field]) -> str:
        if form not in self._shown:
            self._shown[form] = "".join([show(self) for show in layout])
        return self._shown[form]


def well_formed(obj: Object) -> bool:
    """Whether the object's XML can be read back; the server checks that before it writes to the database."""
    obj.changed()
    xml = obj.xml()
    obj.changed()
    try:
        expat.ParserCreate().Parse(xml, True)
    except expat.ExpatError:
        return False
    return True


# ---------------------------------------------------------------- pools


class Pool:
    """All objects of a kind, by ID and by name. IDs are never given twice."""

    def __init__(self, kind: Kind, release: Release = LATEST, encrypted: Iterable[tuple[str, str]] = ()) -> None:
        self.kind = kind
        self.encrypted = list(encrypted)  # attributes of the template, as (vector, member)
        self.release = release
        self.next_id = 0
        self.touched: set[int] | None = None  # IDs taken to be changed, where hooks wait for states
        self._objects: dict[int, Object] = {}
        self._names: dict[tuple[Any, ...], int] = {}

    def __iter__(self) -> Iterator[Object]:
        """Ascending by ID, to read (as `get_ro`)."""
        return iter(list(self._objects.values()))

    def __len__(self) -> int:
        return len(self._objects)

    def __contains__(self, oid: int) -> bool:
        return oid in self._objects

    def get(self, oid: int) -> Object | None:
        """The object of this ID, to be changed; None when there is none."""
        obj = self._objects.get(oid)
        if obj is not None:
            obj.changed()
            if self.touched is not None:
                self.touched.add(oid)
        return obj

    def get_ro(self, oid: int) -> Object | None:
        """The object of this ID, to be read; None when there is none."""
        return self._objects.get(oid)

    def named(self, name: str, uid: int = -1) -> Object | None:
        """The object of this name (of this owner, where names are unique per owner)."""
        oid = self._names.get(self._key(name, uid))
        return None if oid is None else self._objects[oid]

    def add(self, obj: Object, prepare: Callable[[Object], None] = lambda obj: None) -> int:
        """Gives the object its ID and stores it. Raises Refused when name or content do not allow it.

        `prepare(obj)` runs between: the name is good, the ID is known; it may complete the object or refuse it.
        """
        self._check(obj)
        obj.oid = self.next_id
        prepare(obj)
        template = getattr(obj, self.kind.template_of)
        template.settle()
        attributes.encrypt(template, self.encrypted)
        self._store(obj)
        if not well_formed(obj):
            self.drop(obj)
            raise internal(f"Error transforming the {self.kind.stored} to XML.")
        self.next_id += 1
        return obj.oid

    def bootstrap(self, obj: Object) -> Object:
        """Stores an object of a fresh server; the users' objects may begin at a higher ID."""
        obj.oid = self.next_id
        self._store(obj)
        self.next_id += 1
        return obj

    def drop(self, obj: Object) -> None:
        del self._objects[obj.oid]
        self._names.pop(self._key(obj.name, obj.uid), None)

    def rename(self, obj: Object, name: str) -> None:
        self._names.pop(self._key(obj.name, obj.uid), None)
        obj.name = name
        self._index(obj)

    def give(self, obj: Object, user: Object | None, group: Object | None) -> None:
        """Changes owner and group; None keeps."""
        self._names.pop(self._key(obj.name, obj.uid), None)
        if user is not None:
            obj.uid, obj.uname = user.oid, user.name
        if group is not None:
            obj.gid, obj.gname = group.oid, group.name
        self._index(obj)

    def replace(self, obj: Object, fields: dict[str, Any]) -> None:
        """Changes any attributes of an object, name and owner among them."""
        self._names.pop(self._key(obj.name, obj.uid), None)
        obj.__dict__.update(fields)
        self._index(obj)

    def _key(self, name: str, uid: int) -> tuple[Any, ...]:
        return (name, uid) if self.kind.unique == "owner" else (name,)

    def _check(self, obj: Object) -> None:
        forbidden = self.release.forbidden.get(self.kind.name, self.kind.forbidden)
        why = invalid_name(obj.name, forbidden) if forbidden else ""
        if why:
            raise internal(why)
        other = self.named(obj.name, obj.uid) if self.kind.unique else None
        if other is not None:
            raise internal(f"NAME is already taken by {self.kind.taken} {other.oid}{self.kind.full_stop}")

    def _store(self, obj: Object) -> None:
        obj.release = self.release
        self._objects[obj.oid] = obj
        if self.touched is not None:
            self.touched.add(obj.oid)
        self._index(obj)

    def _index(self, obj: Object) -> None:
        if self.kind.unique:
            self._names[self._key(obj.name, obj.uid)] = obj.oid

    # -------------------------------------------------------- what a pool shows

    def show(self, chosen: list[Object], trailer: str = "") -> str:
        return f"<{self.kind.pool}>{''.join([obj.listed() for obj in chosen])}{trailer}</{self.kind.pool}>"
