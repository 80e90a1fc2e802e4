# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Which VMs a task is about.

OpenNebula lets several VMs have one name, and nothing in it counts to N for two controllers at once.  So every VM
that is created here has a slot (the number in its name, or in the fleet), and from its creation the request id of its
slot in its user template.  All runs of a task ask for the same slots; of VMs with the same request id the one with the
lowest VM id stays, and any run terminates the others.  As VM ids only grow, and a run looks again after it has created,
every run keeps the same VM, whichever run is killed: what it leaves behind is a VM that the next run finds, or a
duplicate that it knows by its request id.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import uuid

from .._attributes.requests import REQUEST_ID
from .._core.cloud import ALL
from .._core.failure import Failure
from .._core.numbers import is_whole
from .._core.values import canonical, first_text, labels_of, same
from .states import fetch_vms
from .transitions import terminating

ALIVE = -1  # of one.vmpool.*: all states but DONE
# VMs of one request are created close together; a copy of a VM, or one that is restored, is not.
TOGETHER = 3600  # seconds
# What one.vmpool.info tells of a user template (releases 6.10 to 7.4).
IN_POOL = frozenset(
    "ERROR LABELS SCHED_DS_RANK SCHED_DS_REQUIREMENTS SCHED_MESSAGE SCHED_RANK SCHED_REQUIREMENTS".split()
)


class Pattern:
    """A name with one run of ``#``, which stands for a number of at least so many digits."""

    def __init__(self, text):
        parts = re.match(r"([^#]*)(#+)([^#]*)\Z", text or "")
        if not parts:
            raise Failure("With exact_count, name is a pattern such as 'web-##'; %r has no single run of '#'." % text)
        self.before, digits, self.after = parts.groups()
        self.width = len(digits)
        self._names = re.compile("%s([0-9]{%d,})%s\\Z" % (re.escape(self.before), self.width, re.escape(self.after)))

    def number(self, name):
        """The number in a name of the fleet; None for any other name."""
        found = self._names.match(name)
        return int(found.group(1)) if found else None

    def name(self, number):
        return "%s%0*d%s" % (self.before, self.width, number, self.after)


class Group:
    """The VMs that a task is about, by what they have in common.

    Args:
        name (str | None): of one VM, or with a run of ``#`` of many.
        attributes (dict): of the user template; a value of None asks only for the name.
        labels (list[str]): all of them.
        ids (list[int] | None): these VMs and no others.
        many (bool): whether several VMs may have a `name` without ``#``.
        by_name (bool): False: `name` is for new VMs, others belong to the group too.
        first (int): the lowest number for new VMs, where the name has a run of ``#``.
    """

    def __init__(self, name=None, attributes=None, labels=(), ids=None, many=False, by_name=True, first=0):
        numbered = name is not None and "#" in name
        self.first = first if numbered else 0
        self.ids = ids
        self.pattern = Pattern(name) if numbered else None
        self.single = None if numbered or many else name
        self.attributes = wanted_attributes(attributes or {})
        self.labels = list(labels)
        self._name = None if numbered else name
        self._by_name = by_name
        self._token = uuid.uuid4().hex if self.is_new else self._digest()

    def _digest(self):
        """What the request ids of a fleet without numbers in its names begin with."""
        parts = sorted("%s=%s" % item for item in self.attributes.items()) + sorted(self.labels)
        return hashlib.sha256("\n".join([self._name or ""] + parts).encode()).hexdigest()[:16]

    @property
    def is_new(self):
        """Whether nothing tells its VMs from others, so that all of them are yet to be created."""
        by_name = self._by_name and (self._name or self.pattern)
        return self.ids is None and not (by_name or self.attributes or self.labels)

    @property
    def is_bounded(self):
        """Whether ids, a part of a name, a label or an attribute that people chose tells its VMs from all others."""
        named = self._by_name and (self._name or (self.pattern and self.pattern.before + self.pattern.after))
        chosen = any(value is not None or name != REQUEST_ID for name, value in self.attributes.items())
        return self.ids is not None or self.is_new or bool(named or chosen or self.labels)

    # -------------------------------------------------------- slots

    def name(self, slot):
        """The name of the VM in a slot; empty: OpenNebula gives one."""
        return self.pattern.name(slot) if self.pattern else self._name or ""

    def request_id(self, slot):
        numbered = self.pattern or self.single
        return self.name(slot) if numbered and not self.is_new else "%s-%d" % (self._token, slot)

    def slot(self, item):
        """The slot of a VM (of one.vm.info); None: it is in the fleet, but has none."""
        if self.pattern and not self.is_new:
            return self.pattern.number(item.NAME)
        if self.single and not self.is_new:
            return 0
        token, dummy, number = request_id(item).rpartition("-")
        return int(number) if token == self._token and is_whole(number) else None

    # -------------------------------------------------------- members

    def find(self, cloud):
        """The VMs of the group that are not DONE, as one.vm.info tells them, by id: one call, or two."""
        found = (item for item in self._candidates(cloud) if not terminating(item))
        return sorted(found, key=lambda item: item.ID)

    def _candidates(self, cloud):
        shared = cloud.whole_vms()
        if shared is not None:
            return [item for item in shared if (item.ID in self.ids if self.ids is not None else self._fits(item))]
        if self.ids is not None:
            return fetch_vms(cloud, self.ids).values()
        if set(self.attributes) <= IN_POOL and not self.is_new:
            pool = cloud.call("list the VMs", "vmpool.info", *ALL + (ALIVE,)).VM
            return fetch_vms(cloud, [item.ID for item in pool if self._fits(item)]).values()
        pool = cloud.call("list the VMs", "vmpool.infoextended", *ALL + (ALIVE,)).VM
        return [item for item in pool if self._fits(item)]

    def _fits(self, item):
        if self.is_new:
            return self.slot(item) is not None
        if self._by_name and not self._fits_name(item.NAME):  # most often this decides, and costs least to read
            return False
        return not (self.attributes or self.labels) or has(item, self.labels, self.attributes)

    def _fits_name(self, name):
        if self.pattern:
            return self.pattern.number(name) is not None
        return self._name is None or name == self._name


def wanted_attributes(attributes):
    """Attributes to look for, in canonical form; None, which asks only for the name, stays."""
    return dict(canonical(attributes), **{name.upper(): None for name, value in attributes.items() if value is None})


def has(item, labels, attributes):
    """Whether the user template of a VM has all of these labels and attributes (of asked())."""
    user = canonical(item.USER_TEMPLATE or {})
    if not set(labels) <= set(labels_of(user)):
        return False
    return all(name in user and _equal(user[name], value) for name, value in attributes.items())


def _equal(present, wanted):
    texts = isinstance(present, str) and isinstance(wanted, str)
    return wanted is None or (same(present, wanted) if texts else present == wanted)


def request_id(item):
    """The request id of a VM; empty: it has none."""
    return first_text(item.USER_TEMPLATE, REQUEST_ID)


class Members:
    """The VMs of a group at one moment.

    Args:
        group (Group)
        items (list): VMs as one.vm.info tells them, by id.
        created (container): ids that this run was given.

    Attributes:
        members (list): by id.
        duplicates (list): VMs that another run has created for a slot that was taken.
        taken (dict): slot → VM.

    Raises:
        Failure: VMs share a name, and no request id tells which one is a duplicate.
    """

    def __init__(self, group, items, created=()):
        self.group = group
        self.members: list = []
        self.duplicates: list = []
        self.taken: dict = {}
        for item in items:
            slot = group.slot(item) if group.ids is None else None
            if slot is not None and slot in self.taken:
                self._place_second(item, slot, created)
                continue
            self.members.append(item)
            if slot is not None:
                self.taken[slot] = item

    def _place_second(self, item, slot, created):
        first = self.taken[slot]
        requested = request_id(item) == self.group.request_id(slot)
        if item.ID in created or (requested and abs(item.STIME - first.STIME) <= TOGETHER):
            self.duplicates.append(item)
        elif self.group.single is None and self.group.pattern is None:
            self.members.append(item)  # a copy, which has the request id of its original
        else:
            message = "Several VMs have the name %r, with the ids %d and %d: rename or remove one, or give the id."
            text = message % (item.NAME, first.ID, item.ID)
            raise Failure(text, object="vm", name=item.NAME, ids=[first.ID, item.ID])

    def free(self, number):
        """The first free slots, so many."""
        slots = (slot for slot in itertools.count(self.group.first) if slot not in self.taken)
        return list(itertools.islice(slots, max(0, number)))
