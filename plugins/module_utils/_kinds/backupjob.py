# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a backup job is."""

from __future__ import annotations

from .._attributes import access, common, relations, schedules
from .._attributes import fields as words
from .._attributes.fields import Word
from .._core.values import canonical
from .._engine.engine import Attribute, Resource

KIND = "backupjob"
WORDS = {
    "keep_last": Word("KEEP_LAST", words.number),
    "backup_mode": Word("MODE", words.lower),
    "fs_freeze": Word("FS_FREEZE", words.lower),
    "backup_volatile": Word("BACKUP_VOLATILE", words.flag),
    "execution": Word("EXECUTION", words.lower),
}
SETS = ("updated_vms", "outdated_vms", "backing_up_vms", "error_vms")
MANAGED = frozenset(word.name for word in WORDS.values()) | {"BACKUP_VMS", "DATASTORE_ID"}
CREATION = ("NAME", "PRIORITY", "SCHED_ACTION")


def read(cloud, job):
    """The record of a backup job (one.backupjob.info or a BACKUPJOB of one.backupjobpool.info)."""
    template = canonical(job.TEMPLATE or {})
    actions = template.pop("SCHED_ACTION", [])
    return dict(
        access.owned(job),
        **access.locked(job),
        **words.read(WORDS, template),
        **{word: sorted(getattr(job, word.upper()).ID) for word in SETS},
        vm_ids=relations.ids(template.get("BACKUP_VMS")),
        datastore_id=words.number(template.get("DATASTORE_ID", "")),
        priority=job.PRIORITY,
        schedules=[schedules.read(action) for action in actions],
        last_backup_time=job.LAST_BACKUP_TIME,
        last_backup_duration=job.LAST_BACKUP_DURATION,
        template=template,
        labels=common.split_labels(template.get("LABELS")),
    )


def create(cloud, name, wanted):
    given = dict(wanted.get("template", {}), NAME=name, **words.body(WORDS, wanted))
    given.update({"BACKUP_VMS": relations.joined(wanted["vm_ids"])} if "vm_ids" in wanted else {})
    given.update({"DATASTORE_ID": wanted["datastore_id"]} if "datastore_id" in wanted else {})
    return cloud.call("create backup job %s" % name, "backupjob.allocate", given, object=KIND, name=name)


def vms(purge):
    """The Attribute `vm_ids`, in the order of backup; `purge`: those that are not named leave."""

    def canonical_ids(cloud, given):
        return list(dict.fromkeys(relations.oid("vm")(cloud, item) for item in given))

    def merged(present, wanted):
        return wanted if purge else present + [number for number in wanted if number not in present]

    def write(cloud, oid, after, record):
        doing = "change the VMs of backup job %s" % record["name"]
        cloud.call(doing, "backupjob.update", oid, {"BACKUP_VMS": relations.joined(after)}, 1)

    return Attribute(write, merged, canonical_ids)


def write_datastore(cloud, oid, after, record):
    doing = "change the datastore of backup job %s" % record["name"]
    cloud.call(doing, "backupjob.update", oid, {"DATASTORE_ID": after}, 1)


def write_priority(cloud, oid, after, record):
    cloud.call("give backup job %s priority %d" % (record["name"], after), "backupjob.priority", oid, after)


def run(cloud, oid, after, record):
    """Starts, cancels or retries the backups."""
    cloud.call("%s backup job %s" % (after, record["name"]), "backupjob." + after, oid)


def resource(replace=False, purge_vms=True, purge_schedules=True, labels="exact"):
    """The Resource; `replace`: template_mode replace; `purge_…`: what is not named goes; `labels`: labels_mode."""
    own = {
        **words.attributes(KIND, WORDS),
        "vm_ids": vms(purge_vms),
        "datastore_id": Attribute(write_datastore, canonical=relations.oid("datastore")),
        "priority": Attribute(write_priority),
        "schedules": schedules.attribute(KIND, purge_schedules),
    }
    attributes = access.attributes(KIND, own, replace, labels, MANAGED, CREATION)
    attributes.update(access.lock(KIND), run=Attribute(run, lasting=False))
    return Resource(KIND, read, create, attributes, common.remove(KIND), needed=("datastore_id",))
