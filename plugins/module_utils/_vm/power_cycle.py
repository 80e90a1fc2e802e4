# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""A mark by which a run knows a VM that an earlier one has powered off for a change, and could not start again.

The mark, in the user template, is the number of the history record of the VM.  OpenNebula begins a new record when it
starts a VM, so a mark counts until the VM has run in a later one: nobody has to remove it, and who powers the VM off
later is not concerned.
"""

from __future__ import annotations

from .._core.numbers import is_whole
from .._core.values import first_text
from .._engine.resource import Step
from .states import last_record
from .transitions import target_state

MARK = "ANSIBLE_POWER_CYCLE"  # attribute of the user template


def begin(item):
    """The Steps before a VM is powered off that is to run again."""
    last = last_record(item)
    if last is None or str(last.SEQ) == first_text(item.USER_TEMPLATE, MARK):
        return []
    what = "note that VM %s is to be started again" % item.NAME
    return [Step(what, "vm.update", (item.ID, {MARK: str(last.SEQ)}, 1))]


def interrupted(item):
    """Whether a VM is off, or is being powered off, because a run ended in the middle of a power cycle."""
    number, last = first_text(item.USER_TEMPLATE, MARK), last_record(item)
    if not is_whole(number) or last is None or target_state(item) != "poweredoff":
        return False
    # What is done with a VM that is off begins new records, too, in which it does not run: it is moved, resized, ….
    return int(number) == last.SEQ or (int(number) < last.SEQ and last.RSTIME in (0, last.RETIME))
