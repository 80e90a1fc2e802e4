# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What the template of a VM says in numbers: sizes may have a unit there too, as in the options for them."""

from __future__ import annotations

from .._core.failure import Failure
from .._core.values import declared, megabytes, vectors
from .._core.vm_refusals import NUMBERS

SIZES = ("MEMORY", "MEMORY_MAX")  # in MB
MEMBERS = (("DISK", "SIZE"), ("NUMA_NODE", "MEMORY"))  # (vector, member) that are sizes too


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
        Failure: what has to be a size or a number is none, so that no VM could be created.
    """
    for name, (fits, what) in NUMBERS.items():
        if name not in SIZES and isinstance(template.get(name), str) and template[name] and not fits(template[name]):
            raise Failure("The option %s (%s) takes %s, not %r." % (option, name, what, template[name]))
    for name in SIZES:
        _in_megabytes(template, name, "%s (%s)" % (option, name))
    for name, member in MEMBERS:
        for vector in vectors(template, name):
            _in_megabytes(vector, member, "%s (%s of %s)" % (option, member, name))
    return template


def _in_megabytes(vector, name, where):
    if isinstance(vector.get(name), str) and vector[name]:
        vector[name] = str(megabytes(vector[name], where))
