# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which objects that are not declared are removed."""

from __future__ import annotations

from fnmatch import fnmatchcase

from ...module_utils._core import guard
from ...module_utils._core.cloud import ALL
from ...module_utils._core.failure import Failure
from ...module_utils._core.values import canonical, split_labels
from ...module_utils.pyone.flow import Document
from .document import KEYS, Entry, identity

# key of the document → kind; ACL rules and default quotas have no names, and are never removed so.
PRUNED = {
    "clusters": "cluster",
    "hosts": "host",
    "datastores": "datastore",
    "virtual_networks": "vnet",
    "vnet_templates": "vntemplate",
    "security_groups": "security_group",
    "images": "image",
    "templates": "template",
    "vm_groups": "vm_group",
    "virtual_machines": "vm",
    "virtual_routers": "vrouter",
    "users": "user",
    "groups": "group",
    "vdcs": "vdc",
    "marketplaces": "marketplace",
    "apps": "marketapp",
    "hooks": "hook",
    "backup_jobs": "backupjob",
    "documents": "document",
    "zones": "zone",
    "service_templates": "service_template",
    "services": "service",
}


def names_of(entries):
    """{(kind, name)} of the objects that Entries declare, also of those whose options are not valid."""
    named = [(entry.key, entry.options.get("name")) for entry in entries if entry.key in PRUNED]
    return {(PRUNED[key], str(name)) for key, name in named if name is not None}


PROBES = ("ab", "-9-Z-", "a long name of many words", "Übung_1.example.com")  # a pattern that fits these fits all
# Objects that OpenNebula makes when it is installed, by their ids.
INSTALLED = {
    "cluster": (0,),
    "datastore": (0, 1, 2),
    "security_group": (0,),
    "user": (0, 1),
    "group": (0, 1),
    "vdc": (0,),
    "zone": (0,),
}


def refuse_unbounded(keys, where):
    """Raises Failure unless `prune` names kinds that can be pruned, and `prune_where` some of their objects.

    Args:
        keys (list[str])
        where (dict): owner, group, label, name.
    """
    unknown = [key for key in keys if key not in PRUNED]
    if unknown:
        raise Failure("The option prune cannot remove %s; it takes: %s." % (unknown[0], ", ".join(PRUNED)))
    given = {word: value for word, value in where.items() if value is not None}
    if not given:
        raise Failure("The option prune_where has to name an owner, a group, a label or a pattern of names.")
    empty = [word for word, value in given.items() if not value.strip()]
    if empty:
        raise Failure("The option prune_where.%s is empty." % empty[0])
    if "name" in given and all(fnmatchcase(name, given["name"]) for name in PROBES):
        raise Failure("The pattern %r of prune_where fits every name." % given["name"])


def entries(cloud, declared, keys, where):
    """The Entries that remove objects which are not declared.

    Args:
        cloud (SharedCloud)
        declared (list[Entry]): of the document.
        keys (list[str]): kinds to prune.
        where (dict): as of refuse_unbounded().

    Returns:
        list[Entry]: in the reverse order of kinds.
    """
    found = []
    for key in sorted(keys, key=list(KEYS).index, reverse=True):
        kept = {identity(entry) for entry in declared if entry.key == key}
        for item in _pool(cloud, key, declared):
            if _is_free(cloud, PRUNED[key], item) and fits(item, where) and not _is_declared(kept, item):
                found.append(Entry(key, len(found), _removal(key, item), "prune"))
    return found


def _pool(cloud, key, declared):
    if key == "virtual_machines":
        return cloud.whole_vms()
    if key == "documents":  # of which OpenNebula lists those of one type
        types = sorted({int(entry.options["type"]) for entry in declared if entry.key == key})
        return [item for number in types for item in cloud.pool("document", ALL + (number,))]
    return cloud.pool(PRUNED[key])


def _is_free(cloud, kind, item):
    """Whether an object is neither locked nor protected nor OpenNebula's own."""
    free = getattr(item, "LOCK", None) is None and guard.forbids(item, cloud.protected) is None
    return free and item.ID not in INSTALLED.get(kind, ())


def fits(item, where):
    """Whether an object meets all conditions that are given."""
    tests = {
        "owner": lambda value: getattr(item, "UNAME", None) == value,
        "group": lambda value: getattr(item, "GNAME", None) == value,
        "label": lambda value: value in _labels(item),
        "name": lambda value: fnmatchcase(item.NAME, value),
    }
    return all(tests[word](value) for word, value in where.items() if value is not None)


def _labels(item):
    if isinstance(item, Document):  # of OneFlow
        return item.labels
    template = getattr(item, "USER_TEMPLATE", None) or getattr(item, "TEMPLATE", None) or {}
    return split_labels(canonical(template).get("LABELS"))


def _is_declared(kept, item):
    """Whether an object is one of those that are kept, by id, or by name and what tells its name from others."""
    named = [who for who in kept if who is not None and who[0] == "name" and who[1] == item.NAME]
    owners = [who[2] for who in named if len(who) > 2]
    by_name = bool(named) and (not owners or None in owners or getattr(item, "UNAME", None) in owners)
    return ("id", item.ID) in kept or by_name


def _removal(key, item):
    options = {"id": item.ID, "name": item.NAME, "state": "absent"}
    return dict(options, type=int(item.TYPE)) if key == "documents" else options
