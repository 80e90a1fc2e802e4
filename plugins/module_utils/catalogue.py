# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Every kind by its word, for those who take any: the lookup `one` and the module one_info.

Documents are not among them, since each type of documents is a pool of its own.
"""

from __future__ import annotations

from .resources import cluster, host, image, security_group, template, vm, vm_group, vnet, vntemplate

RESOURCES = {
    "cluster": cluster.resource,
    "host": host.resource,
    "image": image.resource,
    "security_group": security_group.resource,
    "template": template.resource,
    "vm": vm.resource,
    "vm_group": vm_group.resource,
    "vnet": vnet.resource,
    "vntemplate": vntemplate.resource,
}
