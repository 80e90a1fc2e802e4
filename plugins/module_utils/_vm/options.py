# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What the options of one_vm ask for: which VMs, how many, and what each is to be."""

from __future__ import annotations

from .._attributes.capacity import declared_vm
from .._core import names
from .._core.failure import Failure
from .._core.values import declared, declared_vector, megabytes
from .._engine.engine import canonical
from .._engine.resource import modes_of
from . import context, planner
from .creation import Source
from .resource import VM
from .scale import FleetSpec
from .selection import Group, Pattern

STATES = {"present": None, "absent": "done"}  # the other states are called as they are
# Options that name VMs. Without any of them `attributes` and `labels` select VMs, else they are what VMs are to have.
NAMING = ("name", "id", "instance_ids", "template", "exact_count", "count_attributes", "count_labels", "cpu")
CAPACITY = ("cpu", "vcpu", "memory")
UNCHANGED = ("name", "owner", "group", "mode", "lock", "vm_group", "networks", "nic_aliases", "disk_saveas")


def fleet_spec(cloud, params, apply):
    """The FleetSpec of a task.

    Args:
        cloud (Cloud)
        params (dict): the options of one_vm.
        apply (bool): False: only plan.

    Raises:
        Failure: options contradict each other, or have values that cannot be.
    """
    params = dict(params, name=names.trimmed("VM", params["name"], object="vm"))
    goal, found = STATES.get(params["state"], params["state"]), group(params)
    if goal == "done" or params["exact_count"] is not None:
        refuse_unbounded(found, params["max_remove"])
    return FleetSpec(
        found,
        desired_state(cloud, params, goal),
        source(params, goal),
        count(params, found),
        shrink=params["exact_count"] is not None,
        remove=params["remove"] or ("highest_index" if found.pattern else "newest"),
        max_remove=params["max_remove"],
        replace_failed=params["replace_failed"],
        parallel=params["parallel"],
        apply=apply,
        waits=params["wait"],
        remove_images=params["remove_images"],
        protected=cloud.protected,
    )


def desired_state(cloud, params, goal):
    """The DesiredState of each VM."""
    labels, labels_mode = wanted_labels(params)
    # a VM that is removed need not be as the task says, and what it names may be gone
    wanted = {} if goal == "done" else canonical(cloud, VM, dict(wanted_values(params), labels=labels))
    modes = modes_of(dict(params, labels_mode=labels_mode))
    conditions = planner.conditions(goal, params["wait_ready"], params["wait_network"])
    return planner.DesiredState(wanted, VM, modes, goal, conditions, params["allow_poweroff"], params["hard"])


def source(params, goal):
    """How new VMs are created."""
    hold = goal == "held" or params["vm_start_on_hold"]
    extra = params["extra_template"]
    extra = None if extra is None or goal == "done" else declared_vm("extra_template", extra)
    given = (params["template"], extra, params["datastore"])
    return Source(*given, hold, params["persistent"], params["user_inputs"])


# ---------------------------------------------------------------- which VMs


def refuse_unbounded(found, max_remove):
    """Raises Failure when VMs would be removed that have nothing in common which is named, however many they are.

    Args:
        found (Group)
        max_remove (int | None)
    """
    if max_remove is None and not found.is_bounded:
        raise Failure(
            "What the task says of the VMs to remove fits too many: name a part of their names, a label, or an "
            "attribute; or give max_remove."
        )


def selects(params):
    """Whether `attributes` and `labels` select VMs."""
    return all(params[option] is None for option in NAMING)


def lists(params):
    """Whether the task names VMs by their ids."""
    return params["id"] is not None or params["instance_ids"] is not None


def _by_ids(params):
    return Group(ids=params["instance_ids"] if params["id"] is None else [params["id"]])


def _by_filter(params):
    name, attributes = split_name(params["attributes"])
    if not (name or attributes or params["labels"]):
        raise Failure("Say which VMs: give name, id, instance_ids, attributes, labels, or a template.")
    return Group(name, attributes, params["labels"] or (), many=True)


def _by_name_or_count(params):
    name, attributes = split_name(params["count_attributes"])
    name, labels = params["name"] or name, params["count_labels"] or ()
    first = params["first_index"]
    if first < 0:
        raise Failure("The option first_index takes a number from 0, not %d." % first)
    several = params["exact_count"] is not None or (params["count"] or 1) > 1
    by_name = name is not None or not (attributes or labels)
    if by_name and params["name"] is not None and several:
        Pattern(name)
    name = name or split_name(params["attributes"])[0]
    return Group(name, attributes, labels, many=several, by_name=by_name, first=first)


# How a task selects its VMs: the first row whose condition holds makes the Group. In the second, `attributes` and
# `labels` select the VMs; in the others they are what the VMs are to have.
SELECTIONS = (
    (lists, _by_ids),
    (selects, _by_filter),
    (bool, _by_name_or_count),
)


def group(params):
    """The Group of the VMs that the options name."""
    return next(make for applies, make in SELECTIONS if applies(params))(params)


def split_name(attributes):
    """(NAME or None, the other attributes) of attributes in any case."""
    given = attributes or {}
    found = [value for key, value in given.items() if key.upper() == "NAME" and value is not None]
    others = {key: value for key, value in given.items() if key.upper() != "NAME"}
    return names.trimmed("VM", found[0] if found else None, object="vm"), others


def count(params, found):
    """How many VMs there are to be; None: as many as there are.

    Args:
        found (Group)
    """
    given = params["exact_count"] if params["count"] is None else params["count"]
    if given is not None and given < 0:
        raise Failure("There cannot be %d VMs: give 0 or more." % given)
    if given is not None:
        return given
    creates = params["template"] is not None or params["cpu"] is not None
    return 1 if found.ids is None and (found.single or creates) else None


# ---------------------------------------------------------------- what each is to be


def wanted_values(params):
    """{option of VM: what is given}, without labels."""
    given = {option: params[option] for option in UNCHANGED}
    if params["id"] is None:  # only with an id, `name` renames
        given["name"] = None
    given["attributes"] = user_attributes(params) or None
    given["capacity"] = {option: params[option] for option in CAPACITY if params[option] is not None} or None
    given["disks"] = params["disks"] if params["disk_size"] is None else sized(params["disk_size"])
    given["updateconf"] = sections(params) or None
    return given


def sized(sizes):
    """The first disks, with their sizes."""
    found = [megabytes(size, "disk_size") for size in sizes]
    return [{"DISK_ID": index, "SIZE": size} for index, size in enumerate(found)]


def sections(params):
    """The sections of the configuration, of which CONTEXT has options of its own."""
    found = dict(params["updateconf"] or {})
    if params["context"] is not None:
        declared_vector("context", "CONTEXT", params["context"])  # a fault is one of this option
        found["CONTEXT"] = dict(found.get("CONTEXT") or {}, **params["context"])
    if params["start_script"] is not None:
        found["CONTEXT"] = with_script(found.get("CONTEXT") or {}, params["start_script"])
    return found


def with_script(members, script):
    """CONTEXT with a start script.

    Raises:
        Failure: it has one already.
    """
    given = [name for name in members if str(name).upper() in (context.SCRIPT, context.ENCODED)]
    if given:
        raise Failure("Give the start script once: start_script, or %s in CONTEXT." % given[0])
    return dict(members, **{context.ENCODED: context.encoded(script)})


def user_attributes(params):
    """What the user template is to have; what selects the VMs of a fleet is a part of it."""
    found = declared("count_attributes", split_name(params["count_attributes"])[1])
    if not selects(params):
        found.update(declared("attributes", split_name(params["attributes"])[1]))
    found.update(declared("update_attributes", params["update_attributes"] or {}))
    return found


def wanted_labels(params):
    """(labels to have or None, labels_mode)."""
    given, fleet_labels = None if selects(params) else params["labels"], params["count_labels"] or []
    if given is None:
        return fleet_labels or None, "add"
    if params["labels_mode"] == "remove":
        return given, "remove"
    return given + [text for text in fleet_labels if text not in given], params["labels_mode"]
