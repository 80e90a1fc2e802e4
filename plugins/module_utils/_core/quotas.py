# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Quotas as OpenNebula tells them: what is limited, and how much of it is used."""

from __future__ import annotations

from ..pyone.errors import OneProtocolException

# What the server limits: element of a quota template → its metrics (releases before 7.4 have no PCI devices).
METRICS = {
    "VM": (
        "VMS RUNNING_VMS CPU RUNNING_CPU MEMORY RUNNING_MEMORY SYSTEM_DISK_SIZE "
        "PCI_DEV RUNNING_PCI_DEV PCI_NIC RUNNING_PCI_NIC"
    ).split(),
    "DATASTORE": ["SIZE", "IMAGES"],
    "NETWORK": ["LEASES"],
    "IMAGE": ["RVMS"],
}
DEFAULT, UNLIMITED = -1, -2  # as limits


def entries(holder):
    """(element, key, metric, quota) of each metric; the key is an ID, for VMs the CLUSTER_IDS or "".

    Args:
        holder (Element): with VM_QUOTA, DATASTORE_QUOTA, NETWORK_QUOTA and IMAGE_QUOTA.
    """
    for element in METRICS:
        section = getattr(holder, element + "_QUOTA", None)
        for quota in getattr(section, element, ()):
            key = getattr(quota, "CLUSTER_IDS", None) or "" if element == "VM" else str(quota.ID)
            for metric in _names(quota):
                yield element, key, metric, quota


def _names(quota):
    names = set(dir(quota))
    return [name for name in sorted(names) if name + "_USED" in names and getattr(quota, name) not in (None, "")]


def answered(quota, name):
    """The number of a limit (``CPU``) or of what is used (``CPU_USED``) in an answer of the server.

    Raises:
        OneProtocolException: it is none.
    """
    text = getattr(quota, name)
    try:
        return as_number(text)
    except (TypeError, ValueError, OverflowError):
        message = "the quota %s should be a number, but is %r" % (name, str(text)[:40])
        raise OneProtocolException(message) from None


def as_number(text):
    """A number as the server writes it: whole, or with two decimals.

    Raises:
        ValueError, OverflowError: it is none.
    """
    number = round(float(text or 0), 2)
    return int(number) if number == int(number) else number


def limits(holder, defaults):
    """{(element, key, metric): (limit, used)} of what is limited for a user or a group.

    Args:
        holder (Element): of one.user.info or one.group.info.
        defaults (Element | None): its DEFAULT_USER_QUOTAS or DEFAULT_GROUP_QUOTAS, which the limit -1 stands for; for
            VMs in clusters there are none.
    """
    common = {place: answered(quota, place[-1]) for place, quota in _placed(defaults)}
    found = {place: (limit, 0) for place, limit in common.items()}
    for place, quota in _placed(holder):
        limit = answered(quota, place[-1])
        limit = common.get(place, UNLIMITED) if limit == DEFAULT else limit
        found[place] = limit, answered(quota, place[-1] + "_USED")
    return {place: pair for place, pair in found.items() if pair[0] >= 0}


def _placed(holder):
    return [((element, key, metric), quota) for element, key, metric, quota in entries(holder)]
