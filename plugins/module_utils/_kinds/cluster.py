# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a cluster is."""

from __future__ import annotations

from .._attributes import common, relations
from .._core.failure import Failure
from .._engine.engine import Attribute, Resource

KIND = "cluster"
# option: (kind of the members, method that adds, method that takes away; None: the object always has a cluster)
MEMBERS = {
    "hosts": ("host", "cluster.addhost", "cluster.delhost"),
    "datastores": ("datastore", "cluster.adddatastore", "cluster.deldatastore"),
    "vnets": ("vnet", "cluster.addvnet", "cluster.delvnet"),
}
MANAGED = frozenset(("RESERVED_CPU", "RESERVED_MEM"))
PLAN_STATES = {-1: "none", 0: "ready", 1: "applying", 2: "done", 3: "error", 4: "timeout"}  # of its actions too


def read(cloud, cluster):
    """The record of a cluster; members as ids in `host_ids`, …: names would cost a pool each."""
    return {
        "host_ids": sorted(cluster.HOSTS.ID),
        "datastore_ids": sorted(cluster.DATASTORES.ID),
        "vnet_ids": sorted(cluster.VNETS.ID),
        **common.content(cluster),
    }


def create(cloud, name, wanted):
    return cloud.call("create cluster %s" % name, "cluster.allocate", name, object=KIND, name=name)


def members(option, purge):
    """The Attribute for members: ids, added to those there are, or exactly these with `purge`."""
    kind, add, take = MEMBERS[option]
    return relations.members(kind + "_ids", kind, KIND, add, take, purge)


def clusters(option, purge):
    """The Attribute `cluster_ids` of the members that an option names: added, or exactly these with `purge`."""
    kind, add, take = MEMBERS[option]
    return relations.members("cluster_ids", KIND, kind, add, take, purge)


# ---------------------------------------------------------------- plans of DRS


def read_with_plan(cloud, cluster):
    """The record of a cluster of one.cluster.info; pools do not tell the plans."""
    return dict(read(cloud, cluster), plan=plan_of(cluster))


def plan_of(cluster):
    """What DRS would have moved where, in which state that is; None: there is no plan."""
    if cluster.PLAN is None:
        return None
    return {"state": plan_state(cluster.PLAN), "actions": [plan_action(action) for action in cluster.PLAN.ACTION]}


def plan_state(part):
    return PLAN_STATES.get(part.STATE, str(part.STATE))


def plan_action(action):
    return {
        "vm_id": action.VM_ID,
        "operation": action.OPERATION,
        "host_id": action.HOST_ID,
        "state": plan_state(action),
    }


def planned(present, wanted):
    """The plan that stands after `wanted`: a plan that is ready is carried out, or any is discarded."""
    if wanted == "absent":
        return None
    if present is None or present["state"] != "ready":
        return present
    return {"state": "done", "actions": [dict(action, state="done") for action in present["actions"]]}


def write_plan(cloud, oid, after, record):
    if after is None:
        cloud.call("discard the plan of cluster %s" % record["name"], "cluster.plandelete", oid)
    else:
        cloud.call("carry out the plan of cluster %s" % record["name"], "cluster.planexecute", oid)


def plan_carried_out(cluster, wanted):
    """settled() of a cluster whose plan is to be carried out."""
    plan = plan_of(cluster)
    if wanted.get("plan") != "executed" or plan is None:
        return True
    if plan["state"] in ("error", "timeout"):
        left = [action for action in plan["actions"] if action["state"] != "done"]
        text = ", ".join("VM %(vm_id)d to host %(host_id)d (%(state)s)" % action for action in left)
        message = "The plan of cluster %s has failed: %s. The VMs say why; plan: requested makes a new one."
        raise Failure(message % (cluster.NAME, text), object=KIND, id=cluster.ID)
    return plan["state"] == "done"


def request(patience):
    """The Attribute `request`: a new plan, for which so many seconds are waited: DRS says nothing when it has none."""

    def write(cloud, oid, after, record):
        if (
            record["plan"] is not None and record["plan"]["state"] != "applying"
        ):  # else it is not known from the new one
            write_plan(cloud, oid, None, record)
        cloud.call("ask for a plan of cluster %s" % record["name"], "cluster.optimize", oid)
        end = cloud.clock.now() + min(patience, cloud.patience)
        cloud.wait(
            lambda: cloud.info(KIND, oid),
            lambda item: item is None or item.PLAN is not None or cloud.clock.now() >= end,
            lambda item: "cluster %s has no plan" % record["name"],
        )

    return Attribute(write, lasting=False)


def resource(replace=False, purge=False, labels="exact", patience=None):
    """The Resource.

    Args:
        replace (bool): template_mode replace.
        purge (bool): members not named leave.
        labels (str): labels_mode.
        patience (float | None): seconds to wait for a plan of DRS; None: the task is not about plans.
    """
    attributes = {"name": common.rename(KIND)}
    for option, (kind, dummy, dummy) in MEMBERS.items():
        attributes[kind + "_ids"] = members(option, purge)
    attributes["template"] = common.template(KIND, replace, MANAGED)
    attributes["labels"] = common.labels(KIND, labels)
    plain = Resource(KIND, read, create, attributes, common.remove(KIND))
    if patience is None:
        return plain
    attributes.update(request=request(patience), plan=Attribute(write_plan, planned))
    return plain._replace(read=read_with_plan, settled=plan_carried_out, detailed=True)
