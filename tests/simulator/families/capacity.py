# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Capacity of hosts: what they offer to VMs."""

from __future__ import annotations

from ..store import Object


def reserve(cloud: object, host: Object) -> None:
    """Capacity for VMs: the total less what the host reserves or, if it is silent, its cluster."""
    cluster = cloud["CLUSTER"].get_ro(host.cluster_id)
    for metric, total in (("cpu", host.total_cpu), ("mem", host.total_mem)):
        name = f"RESERVED_{metric.upper()}"
        given = host.template.text(name) or (cluster.template.text(name) if cluster is not None else "")
        setattr(host, f"max_{metric}", int(total - reserved(given, total)))


def reserved(given: str, total: int) -> float:
    """ "100" of the unit, "10%" of the total; negative numbers offer more than there is."""
    number = given.rstrip("%")
    try:
        return total * float(number) / 100 if given.endswith("%") else float(number)
    except ValueError:
        return 0
