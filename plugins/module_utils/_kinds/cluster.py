# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Clusters, and the plans that DRS makes for them."""

from __future__ import annotations

import re
from functools import partial
from typing import NamedTuple

from .._attributes import access
from .._attributes.labels import labels
from .._attributes.relations import members
from .._attributes.template import canonical_numbers, content, template
from .._core.cloud import label
from .._core.failure import Failure
from .._engine.resource import Attribute, Resource, Step, deletion

KIND = "cluster"
# option: (kind of the members, method that adds one, method that removes one)
MEMBERS = {
    "hosts": ("host", "cluster.addhost", "cluster.delhost"),
    "datastores": ("datastore", "cluster.adddatastore", "cluster.deldatastore"),
    "vnets": ("vnet", "cluster.addvnet", "cluster.delvnet"),
}
PURGE, PURGE_CLUSTERS = "purge", "purge_clusters"  # options of clusters, and of the members
MANAGED = frozenset(("RESERVED_CPU", "RESERVED_MEM"))
# Of clusters and hosts, as 7.4.0 and 6.10.5 count; less than nothing offers VMs more than there is.
RESERVED = re.compile(r"[+-]?[0-9]+%?\Z")
RESERVING = {
    "RESERVED_CPU": (RESERVED, "a whole number of hundredths of a core, or a part such as 10%"),
    "RESERVED_MEM": (RESERVED, "a whole number of KB, or a part such as 10%"),
}
PLAN_STATES = {-1: "none", 0: "ready", 1: "applying", 2: "done", 3: "error", 4: "timeout"}  # of its actions too


def read(cloud, cluster):
    """The record of a cluster; members as ids in `host_ids`, …: names would cost a pool each."""
    return {
        "host_ids": sorted(cluster.HOSTS.ID),
        "datastore_ids": sorted(cluster.DATASTORES.ID),
        "vnet_ids": sorted(cluster.VNETS.ID),
        **content(cluster),
    }


def remove(cloud, record, wanted, modes):
    """OpenNebula removes no cluster with members, so they leave first where the task says so."""
    members = record if PURGE in modes.purge else {}
    what = "take %s %d out of cluster %s"
    steps = [
        Step(what % (label(kind), oid, record["name"]), remove_one, (record["id"], oid))
        for kind, dummy, remove_one in MEMBERS.values()
        for oid in members.get(kind + "_ids", ())
    ]
    return steps + [deletion(KIND, record)]


def create(name, wanted, modes):
    return Step("create cluster %s" % name, "cluster.allocate", (name,))


def cluster_members(option):
    """The Attribute of a cluster for its members."""
    kind, add, remove = MEMBERS[option]
    return members(option, kind + "_ids", KIND, kind, add, remove, PURGE)


def clusters(option):
    """The Attribute `clusters` of the members that an option of clusters names."""
    kind, add, remove = MEMBERS[option]
    return members("clusters", "cluster_ids", kind, KIND, add, remove, PURGE_CLUSTERS, member_first=True)


# ---------------------------------------------------------------- plans of DRS


def read_with_plan(cloud, cluster):
    """The record of a cluster of one.cluster.info; pools do not tell the plans."""
    return dict(read(cloud, cluster), plan=plan_of(cluster))


def plan_of(cluster):
    """What DRS would move where, in which state that is; None: there is no plan."""
    if cluster.PLAN is None:
        return None
    return {"state": plan_state(cluster.PLAN), "actions": [plan_action(one) for one in cluster.PLAN.ACTION]}


def plan_state(part):
    return PLAN_STATES.get(part.STATE, str(part.STATE))


def plan_action(one):
    return {"vm_id": one.VM_ID, "operation": one.OPERATION, "host_id": one.HOST_ID, "state": plan_state(one)}


class PlanRequest(NamedTuple):
    """What a task wants of the plan.

    Args:
        action (str): requested, executed or absent.
        timeout (int): seconds to wait for a plan that is requested.
    """

    action: str
    timeout: int


def values(params):
    if params["plan"] is None:
        return {}
    return {"plan": PlanRequest(params["plan"], params["plan_timeout"] if params["wait"] else 0)}


def plan_change(record, wanted, modes):
    """The plan is requested anew each time, executed when it is ready, or discarded."""
    return PLANS[wanted["plan"].action](record, wanted["plan"])


def _request(record, wanted):
    """A new plan, which DRS may not have; it is waited for, since DRS does not say so."""
    present = record["plan"]
    known = present is not None and present["state"] != "applying"  # a new one could not be told from it
    what = "ask for a plan of cluster %s" % record["name"]
    asked = Step(what, "cluster.optimize", (record["id"],), until=has_plan, give_up=wanted.timeout)
    return None, "requested", ([_discard(record)] if known else []) + [asked]


def _execute(record, wanted):
    present = record["plan"]
    if present is None or present["state"] != "ready":
        return present, present, []
    after = {"state": "done", "actions": [dict(one, state="done") for one in present["actions"]]}
    what = "execute the plan of cluster %s" % record["name"]
    return present, after, [Step(what, "cluster.planexecute", (record["id"],))]


def _remove(record, wanted):
    return record["plan"], None, [_discard(record)]


def _discard(record):
    return Step("discard the plan of cluster %s" % record["name"], "cluster.plandelete", (record["id"],))


PLANS = {"requested": _request, "executed": _execute, "absent": _remove}


def has_plan(cluster):
    return cluster.PLAN is not None


def describe(cloud, cluster):
    """What one waits for."""
    found = plan_of(cluster)
    if found is None:
        return "cluster %s has no plan yet" % cluster.NAME
    return "the plan of cluster %s is in state %s" % (cluster.NAME, found["state"])


def plan_executed(cluster, wanted):
    """settled() of a cluster whose plan is to be executed."""
    found = plan_of(cluster)
    if "plan" not in wanted or wanted["plan"].action != "executed" or found is None:
        return True
    if found["state"] in ("error", "timeout"):
        left = [one for one in found["actions"] if one["state"] != "done"]
        text = ", ".join("VM %(vm_id)d to host %(host_id)d (%(state)s)" % one for one in left)
        message = "The plan of cluster %s has failed: %s. The VMs say why; plan: requested makes a new one."
        raise Failure(message % (cluster.NAME, text), object=KIND, id=cluster.ID)
    return found["state"] == "done"


CLUSTER = Resource(
    kind=KIND,
    read=read,
    create=create,
    remove=remove,
    attributes={
        "name": access.rename(KIND),
        **{option: cluster_members(option) for option in MEMBERS},
        "template": template(KIND, MANAGED, canonical=partial(canonical_numbers, RESERVING)),
        "labels": labels(KIND),
    },
)
CLUSTER_WITH_PLAN = CLUSTER._replace(
    read=read_with_plan,
    settled=plan_executed,
    describe=describe,
    detailed=True,
    values=values,
    attributes=dict(CLUSTER.attributes, plan=Attribute(plan_change, persisted=False, existing_only=True)),
)
