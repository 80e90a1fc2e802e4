# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One cloud for many objects: pools are read once, and what a plan asks for is known."""

from __future__ import annotations

import threading

from ...module_utils._core.cloud import ALL, BY_PREFIX, KINDS, Cloud, by_id
from ...module_utils._core.guard import LABEL
from ...module_utils._core.names import by_name
from ...module_utils._core.numbers import is_whole
from ...module_utils._vm.selection import ALIVE

# Prefix of the methods of a kind → the kinds whose pools a call may change, beside its own.
ALSO_CHANGED = {
    "cluster": ("host", "datastore", "vnet"),
    "host": ("cluster", "vm"),
    "datastore": ("cluster",),
    "vn": ("cluster", "vrouter"),
    "user": ("group", "acl"),
    "group": ("user", "acl", "vdc"),
    "vdc": ("acl",),
    "image": ("datastore",),
    "marketapp": ("marketplace",),
    "template": ("vm", "vnet", "image"),
    "vntemplate": ("vnet", "cluster"),
    "vm": ("host", "vnet", "image", "vm_group", "template"),
    "vrouter": ("vm", "vnet"),
    "backupjob": ("vm", "image"),
    "flow.service": ("vm", "host", "vnet"),
    "flow.service_template": ("service", "template", "document"),
}


class SharedCloud(Cloud):
    """A Cloud that many objects, and several threads, plan on.

    Args:
        one, timeout, clock, secrets, protected, progress: as of Cloud.
        declared (container): (kind, name) of objects that the document declares; a reference to one that does not exist
            yet is taken as it is written.

    Attributes:
        asked (list[tuple] | None): the references since trace() began: (kind, name or id).
    """

    def __init__(self, one, timeout=300, declared=(), clock=None, secrets=None, protected=LABEL, progress=None):
        super().__init__(one, timeout, None, clock, progress, secrets, protected)
        self._declared = declared
        self._lock = threading.RLock()
        self._local = threading.local()
        self.plans = True  # whether nothing is changed, so that all declarations of VMs can share one read of them

    # -------------------------------------------------------- references

    def trace(self):
        """Begins a new list of references; returns it."""
        self._local.asked = []
        return self._local.asked

    def reference(self, kind, given, pool_arguments=None):
        """As of Cloud; while nothing is changed, an object that the document declares may be yet to come."""
        if getattr(self._local, "asked", None) is not None:
            self._local.asked.append((kind, str(given)))
        if self.plans and (kind, str(given)) in self._declared and not self.has(kind, given, pool_arguments):
            return None
        return super().reference(kind, given, pool_arguments)

    def has(self, kind, given, pool_arguments=None):
        """Whether there is an object with a name or an id."""
        text = str(given)
        found = self.derived(by_name, kind, pool_arguments).get(text.strip(), ())
        return bool(found) or (is_whole(text) and int(text) in self.derived(by_id, kind, pool_arguments))

    # -------------------------------------------------------- pools

    def pool(self, kind, arguments=None):
        """As of Cloud, for several threads."""
        with self._lock:
            return super().pool(kind, arguments)

    def derived(self, function, kind, arguments=None):
        """As of Cloud, for several threads."""
        with self._lock:
            return super().derived(function, kind, arguments)

    def find(self, kind, name=None, oid=None, pool_arguments=None, owner=None):
        """As of Cloud; an id is looked up in the pool, where that tells all."""
        if oid is not None and KINDS[kind].whole:
            return next(iter(self.derived(by_id, kind, pool_arguments).get(oid, ())), None)
        return super().find(kind, name, oid, pool_arguments, owner)

    def whole_vms(self):
        """As of Cloud; read once, while nothing is changed."""
        if not self.plans:
            return None
        with self._lock:
            if ("vm", "whole") not in self._pools:
                self._pools["vm", "whole"] = self.call("list the VMs", "vmpool.infoextended", *ALL, ALIVE).VM
            return self._pools["vm", "whole"]

    def forget(self, kinds):
        """As of Cloud, for several threads."""
        with self._lock:
            super().forget(kinds)

    def forget_changed(self, methods):
        """Lets the pools be read again that calls of these methods may have changed."""
        prefixes = {name.rpartition(".")[0] for name in methods}
        kinds = {BY_PREFIX[prefix] for prefix in prefixes if prefix in BY_PREFIX}
        for prefix in prefixes:
            kinds.update(ALSO_CHANGED.get(prefix, ()))
        self.forget(kinds)
