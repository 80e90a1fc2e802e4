# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The states of a VM, in one word each, and what messages say of them."""

from __future__ import annotations

from .._core.failure import Broken, Failure
from .._core.values import first_text

ACTIVE = 3  # STATE whose LCM_STATE tells more
# By the numbers of STATE and LCM_STATE; what is active in another way is changing.
WORDS = "init pending held active stopped suspended done failed poweredoff undeployed cloning failed".split()
ACTIVE_WORDS = {3: "running", 16: "unknown", **dict.fromkeys((*range(36, 43), 44, *range(46, 51), 61), "failed")}
RESTING = frozenset(("running", "unknown", "held", "stopped", "suspended", "poweredoff", "undeployed", "done"))
# States that a VM leaves by itself.
COMING = frozenset(("init", "pending", "cloning", "changing"))
LIVE = frozenset(("running", "unknown"))  # on a host, where the guest may be at work
ANYWHERE = RESTING | COMING | {"failed"}


def status(vm):
    """One word for STATE and LCM_STATE of a VM, from vm.info or a pool."""
    if vm.STATE == ACTIVE:
        return ACTIVE_WORDS.get(vm.LCM_STATE, "changing")
    return WORDS[vm.STATE] if vm.STATE in range(len(WORDS)) else str(vm.STATE)


def error(vm):
    """What the drivers said when they last failed; empty when they did not."""
    return first_text(vm.USER_TEMPLATE, "ERROR").rstrip(".")


def reason(vm):
    """Why a VM does not proceed, in the words of drivers or scheduler; empty when they say nothing."""
    said = error(vm) or first_text(vm.USER_TEMPLATE, "SCHED_MESSAGE").rstrip(".")
    return said + _requirements(vm) if said.endswith("SCHED_REQUIREMENTS") else said


def _requirements(vm):
    """What no host meets, where the scheduler does not say it: 7.4 never does."""
    own, asked = first_text(vm.TEMPLATE, "AUTOMATIC_REQUIREMENTS"), first_text(vm.USER_TEMPLATE, "SCHED_REQUIREMENTS")
    found = [text for text in (own, "(%s)" % asked if asked else "") if text]
    return ": " + " & ".join(found) if found else ""


def describe(vm, missing=""):
    """The state of a VM, for the message of a timeout; `missing`: what it does not have yet, in brackets."""
    said = reason(vm)
    return "%s is %s%s%s" % (vm.NAME, status(vm), missing, ": " + said if said else "")


def failure_of(vm):
    """The Failure of a VM in a state of failure, in the words of the driver."""
    why = error(vm) or "OpenNebula gives no reason; see the log of the VM"
    return Broken("VM %s has failed: %s." % (vm.NAME, why), object="vm", id=vm.ID)


def invalid_state(vm, what):
    """The Failure of a VM whose state does not allow something (``be migrated``)."""
    message = "VM %s is %s, and in this state it cannot %s."
    return Failure(message % (vm.NAME, status(vm), what), object="vm", id=vm.ID)


def fetch_vms(cloud, ids, whole=True):
    """{id: VM} of the VMs with these ids, by one call (one.vmpool.infoset, OpenNebula 5.10).

    Args:
        whole (bool): all that one.vm.info tells; False: what the pool tells.
    """
    if not ids:
        return {}
    text = ",".join(str(oid) for oid in sorted(ids))
    return {vm.ID: vm for vm in cloud.call("read the VMs", "vmpool.infoset", text, whole).VM}


def last_record(vm):
    """The last history record of a VM; None: it has never been on a host."""
    records = vm.HISTORY_RECORDS.HISTORY if vm.HISTORY_RECORDS is not None else []
    return records[-1] if records else None


def record_number(vm):
    """The number of the last history record of a VM, which grows each time that it starts or moves; None: no record."""
    last = last_record(vm)
    return None if last is None else last.SEQ


def is_settled(vm):
    """Whether the last history record of a VM (of one.vm.info) has run, or ended, as its state says.

    OpenNebula begins a record when it starts or moves a VM, moments before the state changes.
    """
    last = last_record(vm)
    return last is not None and bool(last.RSTIME) and bool(last.RETIME) is (status(vm) not in LIVE)


def has_moved(vm, number):
    """Whether a VM (of one.vm.info) rests in another history record than the one with a number."""
    return status(vm) in RESTING and record_number(vm) != number and is_settled(vm)
