# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A live cloud as a document that declares it.

For each kind a table says how the record of an object gives the options of its module. What nobody would write is left
out: defaults, what OpenNebula generates or keeps for itself. Secrets are never written; `left_out` names them.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from ...module_utils._attributes import quotas
from ...module_utils._attributes.requests import REQUEST_ID
from ...module_utils._core.failure import Failure
from ...module_utils._core.numbers import is_whole
from ...module_utils._core.secrets import has_form
from ...module_utils._core.values import is_vector
from ...module_utils._kinds import (
    acl,
    backupjob,
    cluster,
    datastore,
    document,
    group,
    hook,
    host,
    image,
    marketapp,
    marketplace,
    service_template,
    user,
    vnet,
    vrouter,
    zone,
)
from ...module_utils._kinds import roles as service_roles
from ...module_utils._kinds.registry import RESOURCES
from ...module_utils._vm import record as vm_record
from . import planner, prune
from .document import KEYS, ONEFLOW

NOTHING = object()  # an option that is left out


class Names:
    """The names of objects by kind and id, from the pools of a cloud."""

    def __init__(self, cloud):
        self._cloud = cloud
        self._names: dict[str, dict] = {}

    def __call__(self, kind, oid):
        """The name of an object, or its id as text where the name could mean another object too, or cannot be seen."""
        if kind not in self._names:
            pool = list(self._cloud.pool(kind))
            counts = Counter([item.NAME for item in pool] + [str(item.ID) for item in pool])
            self._names[kind] = {item.ID: item.NAME for item in pool if counts[item.NAME] == 1}
        return self._names[kind].get(oid, str(oid))


# ---------------------------------------------------------------- how a record gives an option


def plain(field, default, record, names):
    """The field as it is, unless it is the default."""
    return NOTHING if record.get(field, default) in (default, None) else record[field]


def named(field, kind, default, record, names):
    """The name of the object whose id the field has."""
    return NOTHING if record.get(field) in (None, default) else names(kind, record[field])


def all_named(field, kind, default, record, names):
    """The names of the objects whose ids the field has, in order, as ids differ from cloud to cloud."""
    found = sorted(names(kind, oid) for oid in record.get(field) or ())
    return NOTHING if found == list(default) else found


def template(left, record, names):
    """The template without what is an option of its own, or OpenNebula's."""
    found = {name: value for name, value in sorted(record["template"].items()) if name not in left and value != ""}
    return found or NOTHING


def host_state(record, names):
    return NOTHING if record["status"] == "enabled" else record["status"]


def rules(record, names):
    """The rules of a security group, in the options' words, with networks by name."""
    found = [dict(rule) for rule in record["rules"]]
    for rule in found:
        if "network_id" in rule:
            rule["network"] = names("vnet", int(rule.pop("network_id")))
    return found or NOTHING


def ranges(record, names):
    """The address ranges of a network without their ids and other things that OpenNebula gives."""
    return [_range(one) for one in record["address_ranges"]] or NOTHING


def _range(given):
    told = {name.lower(): value for name, value in given.items() if name not in ("AR_ID", REQUEST_ID)}
    if _follows(told.get("mac", ""), told.get("ip", "")):
        del told["mac"]
    if told.get("shared") == "NO":
        del told["shared"]
    return dict(told, size=int(told["size"])) if is_whole(told.get("size", "")) else told


def _follows(mac, ip):
    """Whether a MAC address is one that OpenNebula makes of an IPv4 address: its last four bytes are those of that."""
    parts = ip.split(".")
    return all(map(is_whole, parts)) and mac.split(":")[2:] == ["%02x" % int(part) for part in parts]


def held(record, names):
    """The addresses on hold."""
    found = [lease.get("ip") or lease.get("ip6") or lease.get("mac") for lease in record["held"]]
    return found or NOTHING


def primary_group(record, names):
    return NOTHING if record["group"] == "users" else record["group"]


def other_groups(record, names):
    return sorted(names("group", oid) for oid in record["group_ids"][1:]) or NOTHING


def roles(record, names):
    """The roles of a VM group, their hosts by name."""
    found = []
    for role in record["roles"]:
        hosts = {word: [names("host", oid) for oid in role[word]] for word in ("host_affined", "host_anti_affined")}
        kept = {word: value for word, value in hosts.items() if value}
        policy = {} if role["policy"] == "none" else {"policy": role["policy"]}
        found.append({"name": role["name"], **policy, **kept})
    return found or NOTHING


def nics(record, names):
    """The interfaces of a virtual router by network, without what OpenNebula adds."""
    found = [nic["NETWORK_ID"] for nic in record["nics"] if "NETWORK_ID" in nic]
    return [{"network": names("vnet", int(oid))} for oid in found] or NOTHING


def schedules(record, names):
    """The schedules of a backup job as they are given."""
    words = ("time", "repeat", "days", "end_after", "end_at")
    found = [{word: one[word] for word in words if one[word] not in (None, "", [])} for one in record["schedules"]]
    return found or NOTHING


def limits(record, names):
    """The quotas of a user or group, the objects that they are for by name."""
    found = {}
    for kind, inside in record["quotas"].items():
        if kind in quotas.OBJECTS:
            of = quotas.OBJECTS[kind]
            keys = {key: ",".join(names(of, int(oid)) for oid in str(key).split(",")) for key in inside}
            inside = {keys[key]: metrics for key, metrics in inside.items()}
        found[kind] = inside
    return found or NOTHING


# ---------------------------------------------------------------- OneFlow

NETWORK = re.compile(r"([MO])\|network\|(.*)\|\|(\w+):(\d+)\Z", re.S)  # as service templates have them
WAYS = {key: (way, kind) for way, (kind, key) in service_roles.NETWORKS.items()}


def service_networks(record, names):
    """The networks of a service template by name."""
    return {name: _service_network(text, names) for name, text in record["networks"].items()} or NOTHING


def _service_network(text, names):
    """A network in the words of the option; one that nobody could write so as OneFlow has it."""
    found = NETWORK.match(str(text))
    if not found or found.group(3) not in WAYS:
        return text
    way, kind = WAYS[found.group(3)]
    told = {way: names(kind, int(found.group(4)))}
    told.update({"description": found.group(2)} if found.group(2) else {})
    return dict(told, mandatory=False) if found.group(1) == "O" else told


def service_template_roles(record, names):
    """The roles of a service template, what they name by name; without what no option has."""
    return [_service_role(role, names) for role in record["roles"]] or NOTHING


def _service_role(role, names):
    told = {
        word: value for word, value in role.items() if word in service_roles.ROLE and value not in (None, "", [], {})
    }
    if told.get("type") == "vm":
        del told["type"]
    if isinstance(role.get("template_id"), int):
        told["template"] = names("template", role["template_id"])
    for word, spec in (
        ("elasticity_policies", service_roles.ELASTICITY),
        ("scheduled_policies", service_roles.SCHEDULED),
    ):
        if word in told:
            told[word] = [{name: one[name] for name in one if name in spec} for one in told[word]]
    contents = dict(told.pop("template_contents", {}))
    group = contents.get("VMGROUP")
    if isinstance(group, dict) and set(group) <= {"VMGROUP_ID", "ROLE"} and is_whole(group.get("VMGROUP_ID", "")):
        del contents["VMGROUP"]
        told["vm_group"] = {"name": names("vm_group", int(group["VMGROUP_ID"])), "role": group.get("ROLE", "")}
    return dict(told, template_contents=contents) if contents else told


def of_zone(kind, record, names):
    """The resources of a VDC in the zone of the server."""
    found = record[kind + "_ids"]
    if set(found) - {"0"}:
        return NOTHING
    return sorted(one if one == "*" else names(kind, one) for one in found.get("0", ())) or NOTHING


class Export(NamedTuple):
    """How objects of a kind are exported.

    Args:
        kind (str)
        options (dict): option → (record, names) → its value, or NOTHING.
        extra (dict): options that go with any of others: option → (those, value).
        secrets (tuple): options that are never written.
    """

    kind: str
    options: dict
    extra: Any = MappingProxyType({})
    secrets: tuple = ()


OWNED = {
    "owner": partial(plain, "owner", "oneadmin"),
    "group": partial(plain, "group", "oneadmin"),
    "mode": partial(plain, "mode", "600"),
}


def options(managed=(), owned=True, **own):
    """The options of a kind: its own, then those that most kinds have."""
    left = frozenset(managed) | {"LABELS"}
    return {
        **own,
        "template": partial(template, left),
        "labels": partial(plain, "labels", []),
        **(dict(OWNED, lock=partial(plain, "lock", "none")) if owned else {}),
    }


DEFAULT_CLUSTER = ("default",)
IN_CLUSTERS = partial(all_named, "cluster_ids", "cluster", DEFAULT_CLUSTER)
PURGE_CLUSTERS = {"purge_clusters": (("clusters",), True)}


def fields(table, defaults=None):
    """The options of template fields."""
    return {option: partial(plain, option, (defaults or {}).get(option, "")) for option in table}


EXPORTS = {
    "zones": Export("zone", options(zone.MANAGED, owned=False, endpoint=partial(plain, "endpoint", ""))),
    "groups": Export(
        "group",
        options(
            group.MANAGED,
            owned=False,
            sunstone=partial(plain, "sunstone", {}),
            admins=partial(all_named, "admin_ids", "user", ()),
            quotas=limits,
        ),
    ),
    "users": Export(
        "user",
        options(
            user.MANAGED,
            owned=False,
            auth_driver=partial(plain, "auth_driver", "core"),
            group=primary_group,
            groups=other_groups,
            enabled=partial(plain, "enabled", True),
            ssh_public_key=partial(plain, "ssh_public_key", ""),
            quotas=limits,
        ),
        secrets=("password",),
    ),
    "clusters": Export("cluster", options(cluster.MANAGED, owned=False)),
    "hosts": Export(
        "host",
        options(
            host.MANAGED,
            owned=False,
            im_mad=partial(plain, "im_mad", "kvm"),
            vm_mad=partial(plain, "vm_mad", "kvm"),
            cluster=partial(plain, "cluster", "default"),
            state=host_state,
        ),
    ),
    "datastores": Export(
        "datastore",
        options(
            datastore.MANAGED,
            type=partial(plain, "type", "image"),
            ds_mad=partial(plain, "ds_mad", ""),
            tm_mad=partial(plain, "tm_mad", ""),
            clusters=IN_CLUSTERS,
            enabled=partial(plain, "enabled", True),
        ),
        PURGE_CLUSTERS,
    ),
    "security_groups": Export("security_group", options(("RULE",), rules=rules)),
    "vnet_templates": Export("vntemplate", options()),
    "virtual_networks": Export(
        "vnet",
        options(
            vnet.MANAGED | {"VN_MAD"},
            **fields(vnet.FIELDS),
            reserved_from=partial(named, "reserved_from", "vnet", None),
            size=lambda record, names: record["size"] if record["reserved_from"] is not None else NOTHING,
            address_ranges=lambda record, names: ranges(record, names) if record["reserved_from"] is None else NOTHING,
            held=held,
            security_groups=partial(all_named, "security_groups", "security_group", ("default",)),
            clusters=IN_CLUSTERS,
        ),
        PURGE_CLUSTERS,
    ),
    "vdcs": Export(
        "vdc",
        options(
            owned=False,
            groups=partial(all_named, "group_ids", "group", ()),
            **{kind + "s": partial(of_zone, kind) for kind in ("cluster", "host", "datastore", "vnet")},
        ),
    ),
    "marketplaces": Export(
        "marketplace",
        options(marketplace.MANAGED, **fields(marketplace.FIELDS), enabled=partial(plain, "enabled", True)),
    ),
    "apps": Export(
        "marketapp",
        options(
            marketapp.MANAGED,
            marketplace=partial(plain, "marketplace", ""),
            image=partial(named, "image_id", "image", None),
            **fields(marketapp.FIELDS, {"version": "0.0"}),
            enabled=partial(plain, "enabled", True),
        ),
    ),
    "images": Export(
        "image",
        options(
            image.MANAGED,
            datastore=partial(plain, "datastore", ""),
            path=partial(plain, "path", ""),
            size=lambda record, names: NOTHING if record["path"] else record["size"],
            type=partial(plain, "type", "os"),
            persistent=partial(plain, "persistent", False),
            enabled=partial(plain, "enabled", True),
        ),
    ),
    "vm_groups": Export(
        "vm_group",
        options(
            ("ROLE",),
            roles=roles,
            affined=partial(plain, "affined", []),
            anti_affined=partial(plain, "anti_affined", []),
        ),
    ),
    "templates": Export("template", options()),
    "virtual_routers": Export("vrouter", options(vrouter.MANAGED, nics=nics)),
    "backup_jobs": Export(
        "backupjob",
        options(
            backupjob.MANAGED | {"SCHED_ACTION"},
            vms=partial(all_named, "vm_ids", "vm", ()),
            datastore=partial(named, "datastore_id", "datastore", None),
            **fields(backupjob.FIELDS, {"keep_last": None, "backup_volatile": False}),
            priority=partial(plain, "priority", 50),
            schedules=schedules,
        ),
    ),
    "service_templates": Export(
        "service_template",
        {
            **{
                option: partial(plain, option, default)
                for option, default in service_template.CONTENT.items()
                if option not in ("networks", "roles")
            },
            "networks": service_networks,
            "roles": service_template_roles,
            "labels": partial(plain, "labels", []),
            **OWNED,
        },
    ),
    "hooks": Export(
        "hook",
        options(
            hook.MANAGED,
            owned=False,
            type=partial(plain, "type", ""),
            **fields(hook.FIELDS, {"arguments_stdin": False, "remote": False, "timeout_seconds": None}),
        ),
    ),
}


# ---------------------------------------------------------------- one kind


class Left(NamedTuple):
    """Something that an exported document does not tell.

    Args:
        kind (str)
        name (str): of the object.
        what (str): option, attribute, or `object`.
        because (str)
    """

    kind: str
    name: str
    what: str
    because: str


def objects_of(cloud, key, where, names):
    """(options of the objects of a kind, what they do not tell).

    Args:
        cloud (SharedCloud)
        key (str): of EXPORTS.
        where (dict): owner, group, label, name; None for what does not matter.
        names (Names)

    Returns:
        (list[dict], list[Left])
    """
    export = EXPORTS[key]
    return _objects(cloud, export, RESOURCES[export.kind], where, names)


def _objects(cloud, export, resource, where, names):
    """As objects_of(), for an Export and the Resource of its kind."""
    found, left = [], []
    pool = sorted(cloud.pool(export.kind, resource.pool_arguments), key=lambda item: (item.NAME, item.ID))
    counts = Counter(item.NAME for item in pool)
    for item in pool:
        if not prune.fits(item, where):
            continue
        record = dict(resource.read(cloud, item), id=item.ID, name=item.NAME)
        told = _told(export, record, names)
        if not told and _is_installed(export, record):
            continue
        if counts[item.NAME] > 1 and "owner" in export.options:
            told["owner"] = record["owner"]  # which tells it from the others
        told, secrets = without_secrets(told, cloud.secrets.names)
        left += [Left(export.kind, item.NAME, what, "it is a secret") for what in (*export.secrets, *secrets)]
        extra = {option: value for option, (others, value) in export.extra.items() if set(others) & set(told)}
        found.append({"name": item.NAME, **told, **extra})
    return found, left


def _told(export, record, names):
    """The options of an object; of one that came with OpenNebula those that only a person changes."""
    meant = OF_INSTALLED.get((export.kind, record["name"]), ()) if _is_installed(export, record) else export.options
    told = {option: export.options[option](record, names) for option in meant}
    return {option: value for option, value in told.items() if value is not NOTHING}


def _is_installed(export, record):
    return record["id"] in prune.INSTALLED.get(export.kind, ())


# What is told of objects that come with OpenNebula, as they are in every cloud: (kind, name) → options.
OF_INSTALLED = {
    **{("datastore", name): ("clusters", "enabled") for name in ("system", "default", "files")},
    **{("group", name): ("quotas",) for name in ("oneadmin", "users")},
}


def _of_key(key, cloud, where, names):
    return objects_of(cloud, key, where, names)


def without_secrets(value, secret_names, path=""):
    """(a value without the members that hold secrets, the names of these).

    Args:
        value: dictionaries, lists and scalars.
        secret_names (SecretNames): tells secrets by their names; some are told by their form.
        path (str): to the value, for the names.
    """
    if isinstance(value, list):
        pairs = [without_secrets(one, secret_names, path) for one in value]
        return [one for one, dummy in pairs], [name for dummy, names in pairs for name in names]
    if not isinstance(value, dict):
        return value, []
    kept, names = {}, []
    for name, inner in value.items():
        where = "%s.%s" % (path, name) if path else str(name)
        if _is_secret(name, inner, secret_names):
            names.append(where)
            continue
        kept[name], more = without_secrets(inner, secret_names, where)
        names += more
    return kept, names


def _is_secret(name, value, secret_names):
    values = value if isinstance(value, list) else [value]
    texts = [one for one in values if isinstance(one, str)]
    vectors = [one for one in values if isinstance(one, dict)]
    return any(secret_names(name) or has_form(one) for one in texts) or any(
        is_vector(name, one, secret_names) for one in vectors
    )


# ---------------------------------------------------------------- kinds that the engine does not make one by one


def acl_rules(cloud, where, names):
    """The ACL rules that people made, by whom they are for."""
    rules = acl.rules(cloud.pool("acl"))
    found: dict[str, list] = {}
    for text in acl.own(cloud, list(rules)):
        record = acl.read_rule(text)
        who = next(((word, record[word + "_id"]) for word in ("user", "group") if word + "_id" in record), None)
        found.setdefault(str(who), [who, []])[1].append(_rule(record, names))
    told = [_subject(who, names) | {"rules": sorted(rules, key=str)} for who, rules in found.values()]
    return sorted(told, key=str), []


def _subject(who, names):
    return {"everyone": True} if who is None else {who[0]: names(*who)}


def _rule(record, names):
    rule = {"resources": record["resources"], "rights": record["rights"]}
    if "object_id" in record:
        kind = record["resources"][0] if len(record["resources"]) == 1 else None
        plain_kind = kind is not None and kind not in acl.NAMELESS
        rule["object"] = names(kind, record["object_id"]) if plain_kind else str(record["object_id"])
    if "of_group_id" in record:
        rule["of_group"] = names("group", record["of_group_id"])
    if "cluster_id" in record:
        rule["cluster"] = names("cluster", record["cluster_id"])
    if "zone_id" not in record:
        rule["zone"] = "*"
    return rule


def virtual_machines(cloud, where, names):
    """Each VM by itself, from its VM template where that exists still."""
    found, left = [], []
    pool = sorted(cloud.whole_vms(), key=lambda item: (item.NAME, item.ID))
    counts = Counter(item.NAME for item in pool)
    for item in pool:
        if prune.fits(item, where):
            told, missing = _virtual_machine(
                vm_record.read(cloud, item), _source(item, names), counts[item.NAME] > 1, cloud.secrets.names
            )
            found.append(told)
            left += [Left("vm", item.NAME, what, because) for what, because in missing]
    return found, left


def _source(item, names):
    """The name of the VM template that a VM was made from; None where it does not exist any more."""
    source = (item.TEMPLATE or {}).get("TEMPLATE_ID", "")
    name = names("template", int(source)) if is_whole(source) else source
    return None if name == source else name


def _virtual_machine(record, source, ambiguous, secret_names):
    """(the options of a VM, what they do not tell and why); one of several with a name is told by its id."""
    attributes, secrets = without_secrets(_user_template(record["attributes"]), secret_names)
    told = {
        "id" if ambiguous else "name": record["id"] if ambiguous else record["name"],
        "cpu": record["cpu"],
        "vcpu": record["vcpu"],
        "memory": record["memory"],
        "template": source,
        "attributes": attributes or None,
        "labels": record["labels"] or None,
        "owner": record["owner"] if record["owner"] != "oneadmin" else None,
        "state": record["status"] if record["status"] in VM_STATES else None,
    }
    missing = [("attributes." + name, "it is a secret") for name in secrets]
    missing += [("name", "several have it")] if ambiguous else []
    missing += [("template", "it is made from none that exists")] if source is None else []
    return {option: value for option, value in told.items() if value is not None}, missing


VM_STATES = ("running", "poweredoff", "suspended", "stopped", "undeployed", "held")
# Attributes of the user template that OpenNebula or this collection writes.
GENERATED = frozenset(
    "ANSIBLE_POWER_CYCLE ANSIBLE_REQUEST ERROR INFO LABELS LOGO SCHED_MESSAGE SERVICE_ID ROLE_NAME".split()
)


def _user_template(attributes):
    return {name: value for name, value in sorted(attributes.items()) if name not in GENERATED}


def quota_defaults(cloud, where, names):
    """The default quotas of users and groups, where there are any."""
    found = [quotas.fetch_defaults(cloud, None, holder) for holder in ("user", "group")]
    told = [{"kind": item.ID, "quotas": limits({"quotas": item.quotas}, names)} for item in found]
    return [one for one in told if one["quotas"] is not NOTHING], []


def documents(types, cloud, where, names):
    """The documents of some types, of which OpenNebula lists one type at a time."""
    found, left = [], []
    for number in sorted(set(types)):
        told, more = _objects(cloud, Export("document", options()), document.documents(number), where, names)
        found += [dict(one, type=number) for one in told]
        left += more
    return found, left


def services(cloud, where, names):
    """The services that are there to stay, from the service template that has their roles."""
    found, left = [], []
    templates = [(item.NAME, _shape(item.roles)) for item in cloud.pool("service_template")]
    pool = sorted(cloud.pool("service"), key=lambda item: (item.NAME, item.ID))
    counts = Counter(item.NAME for item in pool)
    for item in pool:
        if not prune.fits(item, where):
            continue
        source = [name for name, shape in templates if shape == _shape(item.roles)]
        told = _service(item, source[0] if len(source) == 1 else None, counts[item.NAME] > 1)
        told, secrets = without_secrets(told, cloud.secrets.names)
        found.append(told)
        left += [Left("service", item.NAME, what, "it is a secret") for what in secrets]
        left += [] if len(source) == 1 else [Left("service", item.NAME, "template", "OpenNebula does not keep it")]
    return found, left


def _shape(roles):
    """What tells of which service template a service is."""
    return sorted((role.get("name"), role.get("type", "vm"), role.get("template_id")) for role in roles)


def _service(item, source, ambiguous):
    told = {
        "id" if ambiguous else "name": item.ID if ambiguous else item.NAME,
        "template": source,
        "state": SERVICE_STATES.get(item.state_name),
        "user_inputs": item.body.get("user_inputs_values") or None,
        "roles": [{"name": role["name"], "cardinality": role.get("cardinality")} for role in item.roles],
        "owner": item.UNAME if item.UNAME != "oneadmin" else None,
        "group": item.GNAME if item.GNAME != "oneadmin" else None,
    }
    return {option: value for option, value in told.items() if value is not None}


SERVICE_STATES = {"RUNNING": "running", "HOLD": "held"}
SPECIAL = {
    "acls": acl_rules,
    "virtual_machines": virtual_machines,
    "quota_defaults": quota_defaults,
    "services": services,
}
ALL_KEYS = list(KEYS)


def export(cloud, keys, where, types=()):
    """A document for the objects of kinds.

    Args:
        cloud (SharedCloud)
        keys (list[str] | None): of ALL_KEYS; None: all that there are.
        where (dict): as of objects_of().
        types (list[int]): of the documents that are meant.

    Returns:
        (dict, list[Left]): the document, and what it does not tell.

    Raises:
        Failure: a kind cannot be read; without `keys`, OneFlow may be missing.
    """
    names, found, left = Names(cloud), {}, []
    special = dict(SPECIAL, documents=partial(documents, types))
    for key in [key for key in ALL_KEYS if keys is None or key in keys]:
        how = special.get(key) or partial(_of_key, key)
        try:
            told, more = how(cloud, where, names)
        except Failure as failure:
            if keys is not None or key not in ONEFLOW:
                raise
            told, more = [], [Left(key[:-1], "*", "object", failure.message.rstrip("."))]
        left += more
        found.update({key: told} if told else {})
    return found, left


def kinds(declaration):
    """The kinds of the objects in a document."""
    return {EXPORTS[key].kind if key in EXPORTS else planner.KINDS[key] for key in declaration}


def without(declaration, faults):
    """A document without the objects that Faults are of."""
    wrong = {(found.group(1), int(found.group(2))) for found in (PLACE.match(fault.place) for fault in faults) if found}
    kept = {
        key: [one for index, one in enumerate(objects) if (key, index) not in wrong]
        for key, objects in declaration.items()
    }
    return {key: objects for key, objects in kept.items() if objects}


PLACE = re.compile(r"(\w+)\[(\d+)\]")  # of a Fault, how it begins


def steady(plan, entries):
    """What has to be left out of a document, so that the cloud that it came from is as it declares.

    Args:
        plan (planner.Plan): of the exported document, on the same cloud.
        entries (list[document.Entry]): of it.

    Returns:
        list[Left]: the options were removed from the entries.
    """
    left = []
    for one in plan.objects:
        if one.action == "none" or one.declared.resource is None:
            continue
        attributes = one.declared.resource.attributes
        options = {attribute.field or option: option for option, attribute in attributes.items()}
        for field in one.report.after or ():
            option = options.get(field, field)
            if entries[one.number].options.pop(option, NOTHING) is not NOTHING:
                left.append(Left(one.kind, one.declared.name, option, "it cannot be declared as it is"))
    return left
