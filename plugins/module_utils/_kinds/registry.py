# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Every kind by its word, for those who take any: the lookup `one` and the module one_info.

Documents are not among them, since each type of documents is a pool of its own; nor are ACL rules, which have no
names.
"""

from __future__ import annotations

from .._engine.engine import Resource
from .._vm import resource as vm
from . import (
    backupjob,
    cluster,
    datastore,
    group,
    hook,
    host,
    image,
    marketapp,
    marketplace,
    security_group,
    template,
    user,
    vdc,
    vm_group,
    vnet,
    vntemplate,
    vrouter,
    zone,
)


def vms():
    """What can be read of VMs; they are made and changed by a machinery of their own."""
    return Resource(vm.KIND, vm.read, None, {}, None)


RESOURCES = {
    "backupjob": backupjob.resource,
    "cluster": cluster.resource,
    "datastore": datastore.resource,
    "group": group.resource,
    "hook": hook.resource,
    "host": host.resource,
    "image": image.resource,
    "marketapp": marketapp.resource,
    "marketplace": marketplace.resource,
    "security_group": security_group.resource,
    "template": template.resource,
    "user": user.resource,
    "vdc": vdc.resource,
    "vm": vms,
    "vm_group": vm_group.resource,
    "vnet": vnet.resource,
    "vntemplate": vntemplate.resource,
    "vrouter": vrouter.resource,
    "zone": zone.resource,
}
