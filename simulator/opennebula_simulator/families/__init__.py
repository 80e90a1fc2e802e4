# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The families of objects, in the order in which the server registers their methods.

A family is a module with `METHODS`, and where it has them `KINDS` and `bootstrap(cloud)` (the objects of a fresh
server).
"""

from __future__ import annotations

from . import (
    acl,
    backupjob,
    cluster,
    datastore,
    document,
    group,
    hook,
    host,
    image,
    market,
    marketapp,
    schedules,
    secgroup,
    system,
    user,
    vdc,
    vm,
    vmgroup,
    vmtemplate,
    vnet,
    vntemplate,
    vrouter,
    zone,
)

FAMILIES = [
    acl,
    host,
    cluster,
    vmtemplate,
    vntemplate,
    vm,
    vnet,
    image,
    datastore,
    group,
    user,
    document,
    zone,
    secgroup,
    vmgroup,
    vdc,
    vrouter,
    market,
    marketapp,
    hook,
    backupjob,
    schedules,
    system,
]
BOOTSTRAP = [acl, group, user, zone, cluster, datastore, secgroup, vdc, market]
