# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The cloud of a task: how it is reached, pools read once, names resolved."""

from __future__ import annotations

import copy
import os
import re
from collections import namedtuple
from contextlib import suppress
from functools import partial

from ..pyone import Client, OneException, OneNoExistsException, OneProtocolException, tls_context
from ..pyone.client import changes
from ..pyone.element import Element
from ..pyone.transport import Endpoint
from . import federation, guard, names, refusals
from .data import plain
from .failure import NEEDS, Failure, Unreachable, described
from .numbers import is_whole
from .releases import SINCE, TESTED, later, number
from .secrets import Secrets
from .waiting import Clock, wait

# pool: method and arguments that list all that the user may see; prefix: of the kind's methods;
# whole: the pool has what info has; beside: the elements that the pool lists beside its items, each with an item's ID.
Kind = namedtuple("Kind", "pool arguments items prefix whole beside", defaults=(None,))

ALL = (-2, -1, -1)
KINDS = {
    "acl": Kind("acl.info", (), "ACL", "acl", True),
    "backupjob": Kind("backupjobpool.info", ALL, "BACKUPJOB", "backupjob", False),
    "cluster": Kind("clusterpool.info", (), "CLUSTER", "cluster", True),
    "datastore": Kind("datastorepool.info", (), "DATASTORE", "datastore", True),
    "document": Kind("documentpool.info", ALL, "DOCUMENT", "document", True),
    "group": Kind("grouppool.info", (), "GROUP", "group", True, "QUOTAS"),
    "hook": Kind("hookpool.info", ALL, "HOOK", "hook", True),
    "host": Kind("hostpool.info", (), "HOST", "host", True),
    "image": Kind("imagepool.info", ALL, "IMAGE", "image", True),
    "marketapp": Kind("marketapppool.info", ALL, "MARKETPLACEAPP", "marketapp", True),
    "marketplace": Kind("marketpool.info", (), "MARKETPLACE", "market", True),
    "security_group": Kind("secgrouppool.info", ALL, "SECURITY_GROUP", "secgroup", True),
    "service": Kind("flow.service.pool", (), "DOCUMENT", "flow.service", True),
    "service_template": Kind("flow.service_template.pool", (), "DOCUMENT", "flow.service_template", True),
    "template": Kind("templatepool.info", ALL, "VMTEMPLATE", "template", True),
    "user": Kind("userpool.info", (), "USER", "user", True, "QUOTAS"),
    "vdc": Kind("vdcpool.info", (), "VDC", "vdc", True),
    "vm": Kind("vmpool.info", ALL + (-1,), "VM", "vm", False),
    "vm_group": Kind("vmgrouppool.info", ALL, "VM_GROUP", "vmgroup", True),
    "vnet": Kind("vnpool.info", ALL, "VNET", "vn", True),
    "vntemplate": Kind("vntemplatepool.info", ALL, "VNTEMPLATE", "vntemplate", True),
    "vrouter": Kind("vrouterpool.info", ALL, "VROUTER", "vrouter", True),
    "zone": Kind("zonepool.info", (), "ZONE", "zone", True),
}
ONEADMIN, CALLER = "oneadmin", -1  # the name of the administrator; the id of whoever asks
DECRYPTED = {"template": (False, True)}  # kind → arguments of `info` behind the id; (True,) for all others
BY_PREFIX = {entry.prefix: kind for kind, entry in KINDS.items()}
INFOS = {entry.prefix + ".info": kind for kind, entry in KINDS.items() if entry.pool != entry.prefix + ".info"}
LISTS = {entry.pool.partition(".info")[0]: kind for kind, entry in KINDS.items()}
LABELS = {
    "acl": "ACL rule",
    "backupjob": "backup job",
    "marketapp": "marketplace app",
    "quota_defaults": "default quotas",
    "security_group": "security group",
    "service_template": "service template",
    "template": "VM template",
    "vdc": "VDC",
    "vm": "VM",
    "vm_group": "VM group",
    "vnet": "virtual network",
    "vntemplate": "virtual network template",
    "vrouter": "virtual router",
}


# What the server says of rights that a user lacks, and what it calls kinds otherwise there.
DENIED = re.compile(r"Not authorized to perform (\w+) (\w+)(?: \[(\d+)\])?")
ACL_TYPES = {"NET": "vnet", "SECGROUP": "security_group", "VMGROUP": "vm_group", "MARKETPLACEAPP": "marketapp"}
OF_ONEFLOW = re.compile(r"\w+ /(service_template|service)\b")  # requests that are about its documents
OWNERS = {"name": "NAME", "owner": "UNAME", "group": "GNAME"}


def need_text(denied):
    """What a user lacks, in words.

    Args:
        denied (dict): right, object, id and, as far as they are known, name, owner, group.
    """
    kind = label(denied["object"])
    if denied["id"] is None:
        return "This needs the right %s for %ss." % (denied["right"], kind)
    which = "%s %s" % (kind, denied["id"] if denied["name"] is None else denied["name"])
    text = "This needs the right %s on %s" % (denied["right"], which)
    return text + (", which belongs to %(owner)s (group %(group)s)." % denied if denied["owner"] else ".")


def label(kind):
    """What messages call a kind."""
    return LABELS.get(kind, kind)


def method(kind, verb):
    """The API method of a kind: ``vn.rename`` for vnet and rename."""
    return "%s.%s" % (KINDS[kind].prefix, verb)


def refuse_other(method, answer):
    """Raises OneProtocolException when a method that reads objects answers with something else."""
    pool = LISTS.get(method.partition(".info")[0])
    kind = INFOS.get(method, pool)
    if kind is None or method.startswith("flow."):  # whose client knows what it answers
        return
    items = KINDS[kind].items
    if not isinstance(answer, Element):
        fits = not isinstance(answer, (int, str, list))
    elif pool is not None:
        fits = isinstance(getattr(answer, items, None), list)
    else:
        fits = answer._node.tag == items
    if not fits:
        raise OneProtocolException("the answer to one.%s is none of OpenNebula" % method, "one." + method)


def ignore(message):
    """An on_missing that tells nobody."""


def pool_key(kind, arguments=None):
    """What tells a pool from all others; arguments as of Cloud.pool()."""
    return kind, KINDS[kind].arguments if arguments is None else arguments


def by_id(pool):
    """{id: [the object]} of a pool."""
    return {item.ID: [item] for item in pool}


def _join(items, name, siblings):
    """Gives each item, under a name, the sibling that has its ID."""
    by_id = {sibling.ID: sibling for sibling in siblings}
    for item in items:
        setattr(item, name, by_id.get(item.ID))


class Cloud:
    """One OpenNebula during one task.

    Args:
        one (pyone.Client)
        timeout (float): seconds that waiting may take in all.
        on_missing (callable | None): told of references that do not exist, which are then taken as written; None: they
            fail.
        clock (Clock)
        progress (Progress | None): is told what is waited for.
        secrets (Secrets | None): of the task; those of the objects that are read are added.
        protected (str): the label of objects that are neither removed nor replaced; empty: there is none.

    Attributes:
        writes (list[str]): the methods that have changed something.
    """

    def __init__(
        self, one, timeout=300, on_missing=None, clock=None, progress=None, secrets=None, protected=guard.LABEL
    ):
        self.one = one
        self.timeout = timeout
        self.on_missing = on_missing
        self.clock = clock or Clock()
        self.secrets = secrets or Secrets()
        self.protected = protected
        self.writes = []
        self.expendable = set()  # (kind, id) of what this task has made itself, and may remove all the same
        self._progress = progress
        self._pools = {}
        self._derived = {}  # key of _pools → {function: what it makes of the pool}
        self._seen = {}  # (kind, id) → the object as it was last read alone
        self._listed = {}  # (kind, method) → what was last listed, and its objects by id once they were needed
        self._missing = set()  # what on_missing was told
        self.unlocked = set()  # (kind, id) of what this task unlocks, as far as a check run has come
        self._release = None  # of the server, once it was asked for
        self._configuration: dict | None = None  # of the server, once it was asked for
        self._caller: list = []  # whom caller() answers, once it was asked for

    def tolerant(self):
        """The same cloud, where a reference to what does not exist is taken as it is written, and nobody is told.

        For what is to be removed: what belonged to somebody who is gone is not there.
        """
        other = copy.copy(self)
        other.on_missing = ignore
        return other

    def afresh(self):
        """The same cloud, of which nothing has been read yet."""
        other = Cloud(self.one, self.timeout, self.on_missing, self.clock, self._progress, self.secrets, self.protected)
        other.writes = self.writes
        return other

    @property
    def rehearses(self):
        """Whether this is a check run, in which an earlier task may only seem to have done its work."""
        return self.on_missing is not None

    def foresee(self, what):
        """Tells in a check run what OpenNebula would refuse, unless an earlier task changes it."""
        if self.rehearses:
            self.on_missing("OpenNebula would refuse this, unless an earlier task changes it: %s." % what)

    def call(self, doing, method, *arguments, **data):
        """Calls an API method; a failure says what was being done, and carries `data`."""
        self.refuse_protected(method, arguments)
        try:
            answer = self.answer(method, *arguments)
        except OneException as error:
            raise self.described(error, doing, arguments, **data) from None
        if method in guard.OF_SERVICES:
            guard.refuse_late_lock("service", self.info("service", arguments[0]))
        return answer

    def described(self, error, doing, arguments=(), **data):
        """The Failure for an error; of one for lack of rights with `denied`, which has each right and its object.

        What another zone of the federation does is told with the endpoint of that zone.
        """
        denied = [self._denial(error.method, *match) for match in DENIED.findall(error.message)]
        if denied:
            data["denied"] = denied
        more = [*map(need_text, denied), federation.direction(self, error.message, arguments)]
        return described(error, doing, " ".join(filter(None, more)), **data)

    def _denial(self, method, right, word, oid):
        of_oneflow = OF_ONEFLOW.match(method or "") if word == "DOCUMENT" else None
        kind = of_oneflow.group(1) if of_oneflow else ACL_TYPES.get(word, word.lower())
        item = self._looked_up(kind, int(oid)) if oid else None
        owners = {name: getattr(item, field, None) for name, field in OWNERS.items()}
        return dict(owners, right=right, object=kind, id=int(oid) if oid else None)

    def _looked_up(self, kind, oid):
        """An object as this task has read it, or as the user may see it; None: neither."""
        found = self.seen_before(kind, oid)
        if found is None and kind in KINDS:
            with suppress(OneException, Failure):
                found = self.one.call(method(kind, "info"), oid)
        return found

    def answer(self, method, *arguments):
        """As call(), but raises the OneException of a method that fails."""
        answer = self.one.call(method, *arguments)
        refuse_other(method, answer)
        if changes(method) and method not in LISTS:
            self.writes.append(method)
        if ".info" in method:
            self.secrets.remember((method, *(one for one in arguments[:1] if isinstance(one, int))), answer)
        self._keep(method, answer)
        return answer

    def _keep(self, method, answer):
        """Keeps what was read, as what may be removed is asked of it."""
        kind = LISTS.get(method.partition(".info")[0])
        if method in INFOS:
            self._seen[INFOS[method], answer.ID] = answer
        elif kind is not None:
            self._listed[kind, method] = [answer, None]

    # -------------------------------------------------------- what is not removed

    def refuse_protected(self, method, arguments):
        """Raises Failure when a call would remove or replace an object that nobody may; see guard.py."""
        if method in guard.OF_SERVICES and arguments and isinstance(arguments[0], int):
            self._refuse_kept_service(method, arguments)
        target = guard.target(method, arguments)
        if target is None or target[0] not in BY_PREFIX:
            return
        key = BY_PREFIX[target[0]], target[1]
        if key in self.expendable:
            return
        item = self._last_seen(*key)
        if item is not None:
            self.refuse_kept(key[0], [item])

    def _refuse_kept_service(self, method, arguments):
        item = self._last_seen("service", arguments[0])
        if method in guard.CHANGES_OF_SERVICES:
            guard.refuse_locked("service", item)
        ended = guard.ended_vms(method, arguments, [] if item is None else item.roles)
        if ended:
            self.refuse_kept("vm", self._vms_of_oneflow(ended))

    def _vms_of_oneflow(self, ids):
        """The VMs with these ids; nothing where oned cannot be asked: OneFlow alone may be known to the task."""
        with suppress(OneException, Failure):
            return self.one.call("vmpool.infoset", ",".join(map(str, ids)), True).VM
        return []

    def refuse_kept(self, kind, items):
        """Raises Failure when one of the objects must not be removed or replaced."""
        guard.refuse(label(kind), items, self.protected)

    def _last_seen(self, kind, oid):
        """An object as this task has read it, or as it is now; None: there is none."""
        found = self.seen_before(kind, oid)
        return self.info(kind, oid) if found is None else found

    def seen_before(self, kind, oid):
        """An object as this task has read it; None: it has not."""
        if (kind, oid) in self._seen:
            return self._seen[kind, oid]
        for key, entry in list(self._listed.items()):
            if key[0] == kind:
                entry[1] = entry[1] or {item.ID: item for item in getattr(entry[0], KINDS[kind].items)}
                if oid in entry[1]:
                    return entry[1][oid]
        return None

    def check(self, doing, method, *arguments, **data):
        """Finds out whether an API method can be called with these arguments, without calling it.

        Raises:
            Failure: a value that cannot be sent, the server does not have the method yet, or it would refuse the call.
        """
        self.refuse_protected(method, arguments)
        federation.refuse_elsewhere(self, doing, method, arguments)
        if later(SINCE.get(method, TESTED)):
            self.require(SINCE[method], doing)
        self.check_values(doing, method, *arguments, **data)
        refusals.refuse(self, doing, BY_PREFIX.get(method.rpartition(".")[0]), method, arguments)

    def check_values(self, doing, method, *arguments, **data):
        """Raises Failure for a value that cannot be sent."""
        try:
            self.one.request(method, *arguments)
        except OneException as error:
            raise described(error, doing, **data) from None

    def configuration(self, always=False):
        """What the server tells of oned.conf, as of plain(), in a check run, or in any; empty: it is not known."""
        if self._configuration is None and (always or self.rehearses):
            try:
                self._configuration = plain(self.call("read the configuration", "system.config"))
            except Failure:  # only administrators may
                self._configuration = {}
        return self._configuration or {}

    def known(self, kind, oid):
        """The object with an id, read in a check run; in others as this task has read it. None: it is not known."""
        if self.rehearses:
            return self.derived(by_id, kind).get(oid, [None])[0]
        return self.seen_before(kind, oid)

    def caller(self):
        """The user who runs this task (of one.user.info); None for oneadmin, and where it cannot be read."""
        if not self._caller:
            self._caller = [self._who() if self.one.username != ONEADMIN else None]
        return self._caller[0]

    def _who(self):
        try:
            return self.info("user", CALLER)
        except Failure:  # a task that needs OneFlow alone may not know where oned is
            return None

    @property
    def listed(self):
        """The kinds whose pools this task has read."""
        return {kind for kind, dummy in self._pools}

    def require(self, release, doing):
        """Raises Failure when the server is older than a release that is needed."""
        if self._release is None:
            self._release = self.call("ask for the release of OpenNebula", "system.version")
        if number(self._release) < number(release):
            message = NEEDS % (doing, release)
            raise Failure("%s This server has %s." % (message, self._release), release=self._release)

    def pool(self, kind, arguments=None):
        """The objects of a kind that the user may see; read once a task.

        Args:
            kind (str)
            arguments (tuple | None): of the pool's method; None: those for all objects.
        """
        entry, key = KINDS[kind], pool_key(kind, arguments)
        if key not in self._pools:
            answer = self.call("list the %ss" % label(kind), entry.pool, *key[1])
            self._derived.pop(key, None)
            self._pools[key] = getattr(answer, entry.items)
            if entry.beside is not None:
                _join(self._pools[key], entry.beside, getattr(answer, entry.beside))
        return self._pools[key]

    def derived(self, function, kind, arguments=None):
        """function(objects of a kind), found out once for each read of the pool.

        Args:
            function (callable): one that every caller has, as it is the key of what it found.
            kind, arguments: as of pool().
        """
        pool = self.pool(kind, arguments)
        found = self._derived.setdefault(pool_key(kind, arguments), {})
        if function not in found:
            found[function] = function(pool)
        return found[function]

    def forget(self, kinds):
        """Lets the pools of kinds be read again."""
        for key in [key for key in self._pools if key[0] in kinds]:
            del self._pools[key]

    def whole_vms(self):
        """All VMs that are not DONE, whole, where many declarations share one read of them; None: they do not."""
        return

    def info(self, kind, oid, decrypt=False):
        """One object, or None when there is none with this id.

        `decrypt`: with its encrypted attributes in clear text, where the server shows them to the user.
        """
        options = DECRYPTED.get(kind, (True,)) if decrypt else ()
        try:
            return self.answer(method(kind, "info"), oid, *options)
        except OneNoExistsException:
            return None
        except OneException as error:
            raise self.described(error, "read %s %d" % (label(kind), oid), object=kind, id=oid) from None

    def find(self, kind, name=None, oid=None, pool_arguments=None, owner=None):
        """The object with an id, or the only one with a name (and of an owner, by name); None when there is none.

        Raises:
            Failure: several objects have the name, or it is empty.
        """
        if oid is not None:
            return self.info(kind, oid)
        name = names.trimmed(label(kind), name, object=kind)
        found = self.derived(names.by_name, kind, pool_arguments).get(name, [])
        found = [item for item in found if owner in (None, item.UNAME)] if owner is not None else found
        if len(found) > 1:
            ids = sorted(item.ID for item in found)
            message = "The name %r fits %d %ss, with the ids %s: give the id."
            text = ", ".join(str(number) for number in ids)
            raise Failure(message % (name, len(found), label(kind), text), object=kind, name=name, ids=ids)
        if not found:
            return None
        return found[0] if KINDS[kind].whole else self.info(kind, found[0].ID)

    def reference(self, kind, given, pool_arguments=None):
        """The pool's object with a name or an id; None where `on_missing` is told that there is none.

        Raises:
            Failure: there is none, or there are several.
        """
        text = str(given).strip()
        found = list(self.derived(names.by_name, kind, pool_arguments).get(text, []))
        if is_whole(text):
            numbered = self.derived(by_id, kind, pool_arguments).get(int(text), [])
            found += [item for item in numbered if item not in found]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(str(number) for number in sorted(item.ID for item in found))
            raise Failure("%r fits several %ss, with the ids %s." % (text, label(kind), ids), object=kind)
        self._tell_missing(kind, text, pool_arguments)
        return None

    def _tell_missing(self, kind, text, pool_arguments):
        """Tells `on_missing` that there is no such object, once; without it, raises a Failure."""
        message = "There is no %s %r" % (label(kind), text)
        if not self.rehearses or not text or is_whole(text):  # what is yet to come has a name, and no id
            from difflib import get_close_matches  # which only this message needs

            near = get_close_matches(text, [item.NAME for item in self.pool(kind, pool_arguments)])
            hint = "did you mean %s?" % " or ".join(map(repr, near)) if near else "perhaps this user may not see it."
            raise Failure("%s; %s" % (message, hint), object=kind, name=text)
        if (kind, text) not in self._missing:
            self._missing.add((kind, text))
            self.on_missing("%s yet; check mode goes on as if there were." % message)

    def wait(self, probe, done, describe, summary=None):
        """waiting.wait with the clock and the timeout of this task.

        Args:
            summary (callable | None): situation → one line for who follows the task; None: what `describe` says.
        """
        tell = partial(self._tell, summary or describe) if self._progress is not None else None
        return wait(probe, done, self.timeout, self.clock, describe, tell)

    def _tell(self, summary, situation):
        self._progress.tell(lambda: summary(situation))


# ---------------------------------------------------------------- connection


def connect(options, read_only=False, on_call=None, warn=None):
    """The client that the connection options describe.

    Args:
        options (dict): api_url, api_username, api_password, validate_certs, ca_path, client_cert, client_key,
            timeout (seconds), api_retries; each may be missing or None.
        read_only (bool): refuse every method that changes anything.
        on_call (callable | None): called with the method's name before each request.
        warn (callable | None): called with a sentence when the connection is not encrypted.

    Returns:
        pyone.Client

    Raises:
        Failure: no endpoint, no credentials, or files that cannot be read.
    """
    urls = endpoints(options.get("api_url") or first_line("~/.one/one_endpoint"))
    try:
        for text in unencrypted(urls, options) if warn is not None else ():
            warn(text)
        return Client(
            urls,
            session=session(options),
            read_only=read_only,
            on_call=on_call,
            **client_options(options),
        )
    except OneException as error:
        raise described(error, "connect to OpenNebula") from None


def client_options(options):
    """What a client takes of the connection options beside endpoints and session.

    Raises:
        OneException: a certificate cannot be read.
    """
    named = {key: value for key, value in options.items() if value is not None}
    extra = {"retries": named["api_retries"]} if "api_retries" in named else {}
    verify = named.get("validate_certs", True)
    return dict(extra, timeout=named.get("timeout"), context=_context(named), https_verify=verify)


def endpoints(text):
    """The URLs in a text with commas.

    Raises:
        Failure: there is none.
    """
    if not text:
        raise Unreachable("No endpoint of OpenNebula: give api_url, or set ONE_URL in the environment.")
    return [url.strip() for url in text.split(",") if url.strip()]


def session(options):
    """``user:password`` from the connection options, or from the file of the command line tools.

    Raises:
        Failure: there is none.
    """
    user, password = options.get("api_username"), options.get("api_password")
    if user and password:
        return "%s:%s" % (user, password)
    path = os.environ.get("ONE_AUTH") or "~/.one/one_auth"
    if not user and not password:
        stored = first_line(path)
        if stored and ":" not in stored:
            raise Unreachable("The file %s holds no user:password: its first line has no colon." % path)
        if stored:
            return stored
    missing = "api_password (or ONE_PASSWORD)" if user else "api_username (or ONE_USERNAME)"
    raise Unreachable("No credentials for OpenNebula: give %s, or keep user:password in %s." % (missing, path))


def secrets_of(options, given=None):
    """The Secrets of a task or plugin.

    Args:
        options (dict): those of the connection, which name more secrets; its credentials may be repeated by servers.
        given: its other options.
    """
    try:
        login = session(options)
    except Failure:  # which is told when it connects
        login = options.get("api_password")
    return Secrets(given, options.get("secret_names"), login)


LOCAL = re.compile(r"localhost|.+\.localhost|127(\.\d+){3}|::1").fullmatch
HTTP = (
    "The endpoint %s is reached without encryption: others on the way can read the password and all that is sent. "
    "Use https, or give warn_http: false (ONE_WARN_HTTP=false) if the network is safe."
)


def unencrypted(urls, options):
    """What to warn of: one text for each endpoint that is reached by plain http and is not on this machine.

    Args:
        urls (list[str])
        options (dict): of the connection.
    """
    if not options.get("warn_http", True):
        return []
    found = [Endpoint(url) for url in urls]
    return [HTTP % endpoint.shown for endpoint in found if not endpoint.tls and not LOCAL(endpoint.host)]


def first_line(path):
    """The first line of a file; None when there is none.

    Raises:
        Failure: the file cannot be read.
    """
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as stream:
            return stream.readline().strip() or None
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Unreachable("Cannot read %s: %s." % (path, getattr(error, "strerror", None) or error)) from None


def _context(named):
    paths = [named.get(name) for name in ("ca_path", "client_cert", "client_key")]
    if not any(paths):
        return None
    return tls_context(named.get("validate_certs", True), *paths)
