# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A declared cloud as a document: objects by kind, from a task and from YAML files, each with its place."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ...module_utils.pyone.depth import DEEPEST

# key of a document → module that takes its objects
KEYS = {
    "zones": "one_zone",
    "groups": "one_group",
    "users": "one_user",
    "acls": "one_acl",
    "quota_defaults": "one_quota_defaults",
    "clusters": "one_cluster",
    "hosts": "one_host",
    "datastores": "one_datastore",
    "security_groups": "one_security_group",
    "vnet_templates": "one_vntemplate",
    "virtual_networks": "one_vnet",
    "vdcs": "one_vdc",
    "marketplaces": "one_marketplace",
    "apps": "one_marketapp",
    "images": "one_image",
    "vm_groups": "one_vm_group",
    "templates": "one_template",
    "virtual_routers": "one_vrouter",
    "virtual_machines": "one_vm",
    "backup_jobs": "one_backupjob",
    "hooks": "one_hook",
    "documents": "one_document",
    "service_templates": "one_service_template",
    "services": "one_service",
}
ONEFLOW = ("service_templates", "services")  # whose server is OneFlow, which may not run beside oned
SUFFIXES = (".yml", ".yaml")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # that of C takes a tenth of the time, where it is there


class Fault(NamedTuple):
    """Something in a document that cannot be.

    Args:
        place (str): `virtual_networks[2].address_ranges[0].ip (site/networks.yml:14)`.
        message (str)
    """

    place: str
    message: str

    def __str__(self):
        return "%s: %s" % (self.place, self.message)


class Entry(NamedTuple):
    """One declared object.

    Args:
        key (str): of KEYS.
        index (int): in the list of its key, from 0, over all sources.
        options (dict): as its module takes them.
        source (str): file and line; empty: the task itself.
        by_owner (bool): other declared objects have the name, but other owners.
    """

    key: str
    index: int
    options: Any
    source: str = ""
    by_owner: bool = False

    def place(self, *inside):
        """The place of the object, or of something inside of it: names of options and indices of lists."""
        path = "".join("[%d]" % part if isinstance(part, int) else ".%s" % part for part in inside)
        return "%s[%d]%s%s" % (self.key, self.index, path, " (%s)" % self.source if self.source else "")


def sources(path):
    """The files of a document: the file at `path`, or all YAML files of the folder there, by name.

    Args:
        path (str)

    Raises:
        FileNotFoundError: there is none.
    """
    root = Path(path).expanduser()
    if root.is_file():
        return [root]
    found = sorted(file for file in root.rglob("*") if file.suffix in SUFFIXES) if root.is_dir() else []
    if not found:
        raise FileNotFoundError(path)
    return found


def lines(text):
    """{key: [line of each item of its list]} of a YAML text, from 1.

    It reads the events of the parser, for whatever builds a tree of them needs the stack for each level.

    Args:
        text (str): a mapping of lists; what has another form is left out.

    Raises:
        yaml.YAMLError: it cannot be read.
        ValueError: it is nested too deeply.
    """
    found: dict = {}
    above: list[type] = []  # of the mappings and lists around an event
    key = None
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.CollectionEndEvent):
            above.pop()
        if not isinstance(event, yaml.NodeEvent):
            continue
        if above == [yaml.MappingStartEvent, yaml.SequenceStartEvent]:
            found[key].append(event.start_mark.line + 1)
        elif above == [yaml.MappingStartEvent] and isinstance(event, yaml.ScalarEvent):
            key = event.value
        elif above == [yaml.MappingStartEvent] and isinstance(event, yaml.SequenceStartEvent):
            found[key] = []
        if isinstance(event, yaml.CollectionStartEvent):
            above.append(type(event))
            _refuse_deep(above, event)
    return found


def lines_of(path):
    """lines() of a file; nothing of what is no YAML, as loading it tells why.

    To load a file that is nested far too deeply ends Python: this comes first.

    Raises:
        ValueError: it is nested too deeply, or is no text.
    """
    with open(path, encoding="utf-8") as stream, suppress(yaml.YAMLError):
        return lines(stream.read())
    return {}


def _refuse_deep(above, event):
    if len(above) > DEEPEST:
        raise ValueError("line %d has more than %d levels of nesting." % (event.start_mark.line + 1, DEEPEST))


def merged(parts):
    """The entries of the parts of a document, and what is wrong with their form.

    Args:
        parts (list[tuple]): (where, content, {key: lines}) of each part, `where` a file or empty.

    Returns:
        (list[Entry], list[Fault])
    """
    entries, faults, counts = [], [], dict.fromkeys(KEYS, 0)
    for where, content, numbers in parts:
        if not isinstance(content, dict):
            faults.append(Fault(where or "declaration", "it has to be a dictionary of kinds, each a list of objects."))
            continue
        for key, items in content.items():
            fault = _fault_of_key(key, items)
            if fault:
                faults.append(Fault("%s%s" % (key, " (%s)" % where if where else ""), fault))
                continue
            for position, item in enumerate(items or ()):
                known = numbers.get(key, ())
                line = ":%d" % known[position] if position < len(known) else ""
                entries.append(Entry(key, counts[key], item, where and where + line))
                counts[key] += 1
    return entries, faults


def _fault_of_key(key, items):
    """What is wrong with a key of a document, or None."""
    if key not in KEYS:
        near = get_close_matches(str(key), KEYS, 1)
        return "there is no such kind; %s" % (
            "did you mean %s?" % near[0] if near else "there are: %s." % ", ".join(sorted(KEYS))
        )
    if items is not None and not isinstance(items, list):
        return "it has to be a list of objects, not %r." % (items,)
    return None


def identity(entry):
    """What tells a declared object from all others of its key; None: nothing, as each is an object of its own."""
    options = entry.options
    if entry.key == "acls":
        who = [(word, options[word]) for word in ("user", "group", "everyone") if options.get(word)]
        return tuple(who[0]) if who else None
    if entry.key == "quota_defaults":
        return options.get("kind")
    if options.get("id") is not None:
        return "id", options["id"]
    name = options.get("name") or options.get("service_name")
    if entry.key == "services":  # one without a name is called as its template
        name = name or next((options[word] for word in ("template", "template_name") if options.get(word)), None)
    apart = [options.get(word) for word in ("owner", "marketplace", "type") if word in APART.get(entry.key, ("owner",))]
    return ("name", name, *apart) if name else None


# Options that tell objects of one name apart; of most kinds the owner.
APART = {"apps": ("owner", "marketplace"), "documents": ("owner", "type")}


def distinct(entries):
    """The entries that are dictionaries and declared once, and the Faults of the others.

    Args:
        entries (list[Entry])

    Returns:
        (list[Entry], list[Fault])
    """
    seen: dict = {}
    kept, faults = [], []
    for entry in entries:
        if not isinstance(entry.options, dict):
            faults.append(Fault(entry.place(), "it has to be a dictionary of options, not %r." % (entry.options,)))
            continue
        who = identity(entry)
        first = seen.setdefault((entry.key, str(who)), entry) if who is not None else entry
        if first is entry:
            kept.append(entry)
        else:
            faults.append(Fault(entry.place(), "it is declared already at %s." % first.place()))
    return _by_owner(kept, faults)


def _by_owner(entries, faults):
    """The entries, with those marked that have a name in common, and Faults where they do not say whose they are."""
    counts = Counter(_named(entry) for entry in entries)
    shared = {named for named, count in counts.items() if count > 1 and named is not None}
    nobody = [entry for entry in entries if _named(entry) in shared and entry.options.get("owner") is None]
    message = "another object has the name %r: give the owner of each."
    faults = faults + [Fault(entry.place(), message % entry.options["name"]) for entry in nobody]
    return [entry._replace(by_owner=_named(entry) in shared) for entry in entries], faults


def _named(entry):
    """What objects have in common that only their owners tell apart; None: other things tell them apart."""
    who = identity(entry)
    if entry.key == "apps" or not isinstance(who, tuple) or who[0] != "name":
        return None
    others = [value for word, value in zip(APART.get(entry.key, ("owner",)), who[2:]) if word != "owner"]
    return str((entry.key, who[1], *others))  # a name may be anything, for nothing has checked it yet
