# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Every kind by its name, for what works with any: the lookup `one` and the module one_info.

Documents are not among them, since each type of documents is a pool of its own; nor are ACL rules, which have no
names.
"""

from __future__ import annotations

from .._core.failure import Failure, did_you_mean
from .._vm.resource import VM
from .backupjob import BACKUPJOB
from .cluster import CLUSTER
from .datastore import DATASTORE
from .group import GROUP
from .hook import HOOK
from .host import HOST
from .image import IMAGE
from .marketapp import MARKETAPP
from .marketplace import MARKETPLACE
from .security_group import SECURITY_GROUP
from .service import SERVICE
from .service_template import SERVICE_TEMPLATE
from .template import TEMPLATE
from .user import USER
from .vdc import VDC
from .vm_group import VM_GROUP
from .vnet import VNET
from .vntemplate import VNTEMPLATE
from .vrouter import VROUTER
from .zone import ZONE

ONEFLOW = ("service", "service_template")  # which need OneFlow beside oned
RESOURCES = {
    "backupjob": BACKUPJOB,
    "cluster": CLUSTER,
    "datastore": DATASTORE,
    "group": GROUP,
    "hook": HOOK,
    "host": HOST,
    "image": IMAGE,
    "marketapp": MARKETAPP,
    "marketplace": MARKETPLACE,
    "security_group": SECURITY_GROUP,
    "service": SERVICE,
    "service_template": SERVICE_TEMPLATE,
    "template": TEMPLATE,
    "user": USER,
    "vdc": VDC,
    "vm": VM,
    "vm_group": VM_GROUP,
    "vnet": VNET,
    "vntemplate": VNTEMPLATE,
    "vrouter": VROUTER,
    "zone": ZONE,
}


def unknown(kind):
    """The Failure of a word that is no kind."""
    message = "There is no kind %r of objects; there are: %s."
    return Failure(message % (kind, ", ".join(sorted(RESOURCES))) + did_you_mean(str(kind), RESOURCES))
