# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What the template of a VM says in numbers: ids, and sizes, which may have a unit there too, as in their options."""

from __future__ import annotations

from .._core.failure import Failure
from .._core.numbers import is_whole
from .._core.values import declared, megabytes, vectors
from .._core.vm_refusals import NUMBERS

SIZES = ("MEMORY", "MEMORY_MAX")  # in MB
MEMBERS = (("DISK", "SIZE"), ("NUMA_NODE", "MEMORY"))  # (vector, member) that are sizes too


IDS = (("DISK", "IMAGE_ID"), ("NIC", "NETWORK_ID"), ("NIC_ALIAS", "NETWORK_ID"))


def require_id(where, name, vector):
    """Raises Failure when a member of a vector is no id; one that begins with $ is told by OneFlow."""
    given = vector.get(name) or "0"
    if not is_whole(given) and not given.startswith("$"):
        named = " %s takes a name." % name[: -len("_ID")] if name not in OWN_NUMBERS else ""
        raise Failure("The option %s takes a number from 0, not %r.%s" % (where, given, named))


OWN_NUMBERS = ("DISK_ID", "NIC_ID")  # of devices of one VM, which have no name beside


def declared_vm(option, given):
    """The canonical form of the template of VMs, or of a part of it, that a task gives in an option.

    Raises:
        Failure: as of declared() and in_numbers().
    """
    return in_numbers(option, declared(option, given))


def in_numbers(option, template):
    """The same canonical template with its sizes in MB.

    Args:
        option (str): that has it, as the user wrote it.
        template (dict)

    Raises:
        Failure: what has to be an id, a size or a number is none, so that no VM could be created.
    """
    for name, (fits, what) in NUMBERS.items():
        if name not in SIZES and isinstance(template.get(name), str) and template[name] and not fits(template[name]):
            raise Failure("The option %s (%s) takes %s, not %r." % (option, name, what, template[name]))
    for name, member in IDS:
        for vector in vectors(template, name):
            require_id("%s (%s of %s)" % (option, member, name), member, vector)
    for name in SIZES:
        _in_megabytes(template, name, "%s (%s)" % (option, name))
    for name, member in MEMBERS:
        for vector in vectors(template, name):
            _in_megabytes(vector, member, "%s (%s of %s)" % (option, member, name))
    return template


def _in_megabytes(vector, name, where):
    if isinstance(vector.get(name), str) and vector[name]:
        vector[name] = str(megabytes(vector[name], where))
