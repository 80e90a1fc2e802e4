# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Backup jobs."""

from __future__ import annotations

from functools import partial

from .._attributes import access, fields, schedules, twins
from .._attributes import template as templates
from .._attributes.fields import TemplateField
from .._attributes.relations import ids, joined, reference_id
from .._attributes.template import update
from .._attributes.twins import twin
from .._core.failure import Failure
from .._core.values import canonical, first_text, labels_of, vectors
from .._engine.resource import LAST, Resource, Step, action, attribute, delete

KIND = "backupjob"
FIELDS = {
    "keep_last": TemplateField("KEEP_LAST", fields.number),
    "backup_mode": TemplateField("MODE", fields.lower, ("full", "increment")),
    "fs_freeze": TemplateField("FS_FREEZE", fields.lower, ("none", "agent", "suspend")),
    "backup_volatile": TemplateField("BACKUP_VOLATILE", fields.flag),
    "execution": TemplateField("EXECUTION", fields.lower, ("sequential", "parallel")),
}
VM_SETS = ("updated_vms", "outdated_vms", "backing_up_vms", "error_vms")
MANAGED = frozenset(field.name for field in FIELDS.values()) | {"BACKUP_VMS", "DATASTORE_ID"}
CREATION = frozenset(("NAME",))
PURGE = "purge_vms"  # option that removes the VMs that are not named


def read(cloud, job):
    """The record of a backup job (one.backupjob.info or a BACKUPJOB of one.backupjobpool.info)."""
    template = canonical(job.TEMPLATE or {})
    actions = vectors(template, "SCHED_ACTION")
    template.pop("SCHED_ACTION", None)
    return {
        **access.owned(job),
        **access.locked(job),
        **fields.read(FIELDS, template),
        **{word: sorted(getattr(job, word.upper()).ID) for word in VM_SETS},
        "vm_ids": ids(first_text(template, "BACKUP_VMS")),
        "datastore_id": fields.number(first_text(template, "DATASTORE_ID")),
        "priority": job.PRIORITY,
        "schedules": [schedules.read(vector) for vector in actions],
        "last_backup_time": job.LAST_BACKUP_TIME,
        "last_backup_duration": job.LAST_BACKUP_DURATION,
        "template": template,
        "labels": labels_of(template),
    }


def create(name, wanted, modes):
    body = dict(templates.new(name, wanted, modes), **fields.body(FIELDS, wanted))
    body.update({"BACKUP_VMS": joined(wanted["vms"])} if "vms" in wanted else {})
    body.update({"DATASTORE_ID": wanted["datastore"]} if "datastore" in wanted else {})
    return Step("create backup job %s" % name, "backupjob.allocate", (body,))


def needed(wanted):
    return ("datastore",)


def schedules_given(name, value):
    """The schedules that attributes SCHED_ACTION are.

    Raises:
        Failure: OpenNebula refuses one.
    """
    found = twins.vectors(name, value)
    why = next(filter(None, (schedules.refused({"ACTION": "backup", **vector}) for vector in found)), None)
    if why:
        raise Failure("The option template: %s." % why, object=KIND)
    return [schedules.read(vector) for vector in found]


def canonical_vms(cloud, given):
    """The ids of VMs in the order of their backups, each once."""
    return list(dict.fromkeys(reference_id("vm")(cloud, item) for item in given))


def merged_vms(present, wanted, modes):
    """The ids after the change: those wanted follow those that there are, or with the purge option replace them."""
    return wanted if PURGE in modes.purge else present + [number for number in wanted if number not in present]


def change_vms(record, after):
    what = "change the VMs of backup job %s" % record["name"]
    return [update(KIND, record, what, {"BACKUP_VMS": joined(after)})]


def change_datastore(record, after):
    what = "change the datastore of backup job %s" % record["name"]
    return [update(KIND, record, what, {"DATASTORE_ID": after})]


def change_priority(record, after):
    what = "change the priority of backup job %s to %d" % (record["name"], after)
    return [Step(what, "backupjob.priority", (record["id"], after))]


def run(record, wanted):
    """Starts, cancels or retries the backups, of the job as it is then."""
    what = RUN[wanted] % record["name"]
    return [Step(what, "backupjob." + wanted, (record["id"],), phase=LAST)]


RUN = {
    "backup": "start backup job %s",
    "cancel": "cancel backup job %s",
    "retry": "retry backup job %s",
}

BACKUPJOB = Resource(
    kind=KIND,
    read=read,
    create=create,
    remove=partial(delete, KIND),
    needed=needed,
    twins={
        **fields.twins(FIELDS),
        "BACKUP_VMS": twin("vms", twins.commas),
        "DATASTORE_ID": twin("datastore"),
        "PRIORITY": twin("priority", twins.integer),
        "SCHED_ACTION": twin("schedules", schedules_given),
    },
    attributes={
        **access.attributes(
            KIND,
            {
                **fields.attributes(KIND, FIELDS),
                "vms": attribute("vms", change_vms, merged_vms, canonical_vms, field="vm_ids"),
                "datastore": attribute(
                    "datastore", change_datastore, canonical=reference_id("datastore"), field="datastore_id"
                ),
                "priority": attribute("priority", change_priority),
                "schedules": schedules.schedules(KIND),
            },
            managed=MANAGED,
            creation=CREATION,
        ),
        **access.lock(KIND),
        "run": action("run", run),
    },
)
