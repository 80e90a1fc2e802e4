# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Backup jobs: the VMs that they save, one after the other or side by side, and how far they are."""

from __future__ import annotations

from typing import Any

from .. import generic
from ..calls import Call, Method
from ..errors import Refused, internal, wrong_action
from ..store import OWNED, Kind, Object, ids, lock, permissions, template, text
from ..template import Template, Vector
from . import backup_config, backups, lifecycle, schedules

MIN_PRIORITY, MAX_PRIORITY, DEFAULT_PRIORITY = 0, 99, 50
MAX_USER_PRIORITY, MAX_NEW_USER_PRIORITY = 49, 50  # 7.4.0 lets users create a job of 50, not change one to it
NO_REQUEST = -1
SEQUENTIAL, PARALLEL = "SEQUENTIAL", "PARALLEL"
LISTS = {"updated": "UPDATED_VMS", "outdated": "OUTDATED_VMS", "backing_up": "BACKING_UP_VMS", "error": "ERROR_VMS"}
WORDS = {"FS_FREEZE": backup_config.WORDS["FS_FREEZE"], "MODE": backup_config.WORDS["MODE"]}
CONFIG = ("KEEP_LAST", "BACKUP_VOLATILE", "FS_FREEZE", "MODE", "INCREMENT_MODE")  # what the VMs get

BACKUPJOB = Kind(
    name="BACKUPJOB",
    title="backup job",
    method="backupjob",
    root="BACKUPJOB",
    layout=(
        *OWNED,
        lock,
        permissions,
        text("PRIORITY", "priority"),
        text("LAST_BACKUP_TIME", "last_time"),
        text("LAST_BACKUP_DURATION", "last_duration"),
        ids("SCHED_ACTIONS", "sched_actions"),
        *(ids(tag, name) for name, tag in LISTS.items()),
        template(),
    ),
    taken="BACKUP JOB",
)


class Job(Object):
    """A backup job; backups tell it how they end."""

    def __init__(self, name: str, body: Template) -> None:
        lists: dict[str, set[int]] = {each: set() for each in LISTS}
        super().__init__(BACKUPJOB, name, body, priority=DEFAULT_PRIORITY, last_time=0, last_duration=0, **lists)
        self.sched_actions: set[int] = set()

    @property
    def vms(self) -> list[int]:
        """The VMs in the order in which they are saved."""
        return numbers(self.template.text("BACKUP_VMS"))

    def finished(self, cloud: Any, vm: int, done: bool) -> None:
        """The backup of a VM is done, or failed."""
        self.backing_up.discard(vm)
        (self.updated if done else self.error).add(vm)
        self.last_duration = cloud.events.time() - self.last_time
        cloud.events.after(1, run, cloud)


def numbers(given: str) -> list[int]:
    """VM IDs out of "0,3,7": once each, in order."""
    parts = (part.strip() for part in given.split(","))
    return list(dict.fromkeys(int(part) for part in parts if part.isdigit()))


# ---------------------------------------------------------------- what it says


def allocate(call: Call, given: str) -> int:
    body = call.template(given)
    if "PRIORITY" in body:
        refuse_priority(call, body.integer("PRIORITY"))
    actions = body.vectors("SCHED_ACTION")
    body.erase("SCHED_ACTION")
    job = Job(body.pop("NAME"), body)
    call.allocate(job, lambda obj: complete(call.cloud, obj, obj.template, []))
    try:
        for action in actions:
            without_arguments = {name: value for name, value in action.items() if name != "ARGS"}
            schedules.create(call.cloud, BACKUPJOB.name, job, without_arguments, 0)
    except ValueError as error:
        drop(call, job)
        call.pool(BACKUPJOB.name).drop(job)
        raise internal(str(error)) from None
    return job.oid


def refuse_priority(call: Call, priority: int) -> None:
    if not MIN_PRIORITY <= priority <= MAX_PRIORITY:
        raise internal("Wrong priority value")
    if priority > MAX_NEW_USER_PRIORITY and not call.is_admin:
        raise call.unauthorized(on=BACKUPJOB.title)


def complete(cloud: Any, job: Job, body: Template, before: list[int]) -> None:
    """What the server writes into the template of a job; its VMs learn of it. Raises Refused."""
    body.set("KEEP_LAST", str(max(0, body.integer("KEEP_LAST"))))
    body.set("BACKUP_VOLATILE", "YES" if body.flag("BACKUP_VOLATILE") else "NO")
    for name, words in WORDS.items():
        set_word(body, name, words)
    if body.text("MODE") == "INCREMENT":
        set_word(body, "INCREMENT_MODE", backup_config.WORDS["INCREMENT_MODE"])
    set_word(body, "EXECUTION", (SEQUENTIAL, PARALLEL))
    priority = body.integer("PRIORITY", job.priority)
    job.priority = priority if MIN_PRIORITY <= priority <= MAX_PRIORITY else job.priority
    vms = numbers(body.text("BACKUP_VMS"))
    body.set("BACKUP_VMS", ",".join(map(str, vms)))
    body.erase("PRIORITY")
    include(cloud, job, [vm for vm in vms if vm not in before])
    exclude(cloud, job, [vm for vm in before if vm not in vms])
    for name in LISTS:
        getattr(job, name).intersection_update(vms)


def set_word(body: Template, name: str, words: tuple[str, ...]) -> None:
    given = body.text(name).upper()
    body.set(name, given if given in words else words[0])


def include(cloud: Any, job: Job, vms: list[int]) -> None:
    """Raises Refused when a VM is in another job."""
    found = [vm for vm in map(cloud["VM"].get, sorted(vms)) if vm is not None]
    for vm in found:
        other = vm.backup_config.get("BACKUP_JOB_ID", backups.NO_JOB)
        if other not in (backups.NO_JOB, str(job.oid)):
            raise internal(f"Unable to add VM {vm.oid} to Backup Job {job.oid}. It's already in Backup Job {other}")
    for vm in found:
        vm.backup_config["BACKUP_JOB_ID"] = str(job.oid)


def exclude(cloud: Any, job: Job, vms: list[int]) -> None:
    for vm in filter(None, map(cloud["VM"].get, vms)):
        if vm.backup_config.get("BACKUP_JOB_ID") == str(job.oid):
            del vm.backup_config["BACKUP_JOB_ID"]
            if vm.backup_config.get("MODE") == "INCREMENT":
                vm.backup_config.update(backup_config.STATE)


def normalise(call: Call, job: Job, body: Template) -> None:
    complete(call.cloud, job, body, job.vms)


def drop(call: Call, job: Job) -> None:
    exclude(call.cloud, job, job.vms)
    schedules.drop(call.cloud, job.sched_actions)


# ---------------------------------------------------------------- what it does


def backup(call: Call, job: Job) -> None:
    if job.backing_up or job.outdated:
        raise wrong_action("Unable to execute Backup Job, pending backups in progress")
    job.error.clear()
    job.updated.clear()
    job.outdated.update(job.vms)
    job.last_time = call.cloud.events.time()
    job.template.erase("ERROR")
    call.cloud.events.after(1, run, call.cloud)


def cancel(call: Call, job: Job) -> None:
    active = sorted(job.backing_up)
    job.outdated.clear()
    job.backing_up.clear()
    for vm in filter(None, map(call.pool("VM").get, active)):
        if vm.lcm_state in backups.STATES.values():
            backups.cancel(call, vm)


def retry(call: Call, job: Job) -> None:
    job.outdated |= job.error
    job.error.clear()
    job.template.erase("ERROR")
    call.cloud.events.after(1, run, call.cloud)


def set_priority(call: Call, oid: int, priority: int) -> None:
    if not MIN_PRIORITY <= priority <= MAX_PRIORITY:
        raise wrong_action("Wrong priority value")
    operation = "ADMIN" if priority > MAX_USER_PRIORITY else "MANAGE"
    call.object(BACKUPJOB.name, oid, operation).priority = priority


def run(cloud: Any) -> None:
    """Event: the scheduler starts the backups that may start, those of the jobs of highest priority first."""
    waiting = [job for job in cloud[BACKUPJOB.name] if job.outdated]
    for job in sorted(waiting, key=lambda job: -job.priority):
        job.changed()
        for oid in [vm for vm in job.vms if vm in job.outdated]:
            if full(cloud, job, cloud["VM"].get_ro(oid)):
                break
            begin(cloud, job, oid)


def full(cloud: Any, job: Job, vm: Object | None) -> bool:
    """Whether no more backups may start now: of the job, in all, or on the VM's host."""
    active = [each for each in cloud["VM"] if each.lcm_state in backups.STATES.values()]
    here = [
        each for each in active if vm is not None and vm.history and each.history[-1]["hid"] == vm.history[-1]["hid"]
    ]
    return (
        (job.template.text("EXECUTION") == SEQUENTIAL and bool(job.backing_up))
        or 0 < cloud.config.integer("MAX_BACKUPS") <= len(active)
        or 0 < cloud.config.integer("MAX_BACKUPS_HOST") <= len(here)
    )


def begin(cloud: Any, job: Job, oid: int) -> None:
    """The VM gets the job's configuration and is saved; one that is gone leaves the job."""
    job.outdated.discard(oid)
    vm = cloud["VM"].get(oid)
    if vm is None or vm.state == lifecycle.DONE:
        job.template.set("BACKUP_VMS", ",".join(str(each) for each in job.vms if each != oid))
        return
    wanted: Vector = {name: job.template.text(name) for name in CONFIG if name in job.template}
    backup_config.configure(vm, wanted, append=True)
    vm.backup_config["BACKUP_JOB_ID"] = str(job.oid)
    try:
        call = cloud.as_administrator("one.vm.backup")
        call.request = call.request if cloud.release.job_backups_have_request else NO_REQUEST
        backups.start(call, vm, job.template.integer("DATASTORE_ID", -1), job.template.flag("RESET"))
    except Refused as error:
        job.template.set("ERROR", f"{cloud.events.date()} : [backup] {error.message}")
        job.error.add(oid)
        return
    job.backing_up.add(oid)


KINDS = [BACKUPJOB]
SCHEDULES = schedules.methods(BACKUPJOB, lambda job: 0, generic.nothing, "sa_id", answers_parent=False)
METHODS = [
    Method("one.backupjob.allocate", "template:string", allocate, needs="CREATE BACKUPJOB"),
    generic.delete(BACKUPJOB, after=drop),
    generic.update(BACKUPJOB, normalise=normalise),
    generic.rename(BACKUPJOB),
    generic.info(BACKUPJOB, "", details=lambda call, job: schedules.shown(call.cloud, job)),
    generic.chown(BACKUPJOB),
    generic.chmod(BACKUPJOB),
    generic.lock(BACKUPJOB),
    generic.unlock(BACKUPJOB),
    Method("one.backupjob.backup", "oid:int", backup, needs="MANAGE BACKUPJOB"),
    Method("one.backupjob.cancel", "oid:int", cancel, needs="MANAGE BACKUPJOB"),
    Method("one.backupjob.retry", "oid:int", retry, needs="MANAGE BACKUPJOB"),
    Method("one.backupjob.priority", "oid:int, priority:int", set_priority),
    SCHEDULES["add"],
    SCHEDULES["delete"],
    SCHEDULES["update"],
    generic.filtered_pool_info(BACKUPJOB),
]
