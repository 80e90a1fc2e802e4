# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What depends on the release of OpenNebula.

=============================  ================================================================================
Methods                        SINCE; all others are in release 5.4 already
Quotas of clusters             FEATURES; earlier releases take them for limits of VMs anywhere
Lists of hooks                 releases before 7.0 want the arguments that lists of other kinds have; newer ones
                               ignore them (``cloud.KINDS``)
States of networks, zones and  missing before 6.4, 6.2 and 6.0; the kinds take them for ready and enabled
marketplaces
=============================  ================================================================================

Tested are 6.10 and 7.x (recordings of 6.10.5 and 7.4.0); older releases are expected to work.
"""

from __future__ import annotations

from .numbers import is_whole

# Release → methods that came with it.
_CAME_WITH = {
    "5.6": (
        "template.lock template.unlock vm.lock vm.unlock vn.lock vn.unlock image.lock image.unlock "
        "zone.resetserver vmgroup.lock vmgroup.unlock vrouter.lock vrouter.unlock marketapp.lock "
        "marketapp.unlock"
    ),
    "5.8": (
        "vntemplate.allocate vntemplate.delete vntemplate.info vntemplate.update vntemplate.rename "
        "vntemplate.chmod vntemplate.chown vntemplate.lock vntemplate.unlock vntemplate.clone "
        "vntemplate.instantiate vntemplatepool.info vm.disksnapshotrename"
    ),
    "5.8.1": "vmpool.infoextended",
    "5.10": (
        "hook.allocate hook.delete hook.update hook.rename hook.info hook.lock hook.unlock hook.retry "
        "hookpool.info hooklog.info"
    ),
    "5.12.6": "vmpool.infoset",
    "6.0": "user.enable",
    "6.0.3": "market.enable",
    "6.2": "vm.schedadd vm.schedupdate vm.scheddelete zone.enable",
    "6.4": "vm.attachsg vm.detachsg vn.recover",
    "6.6": "vm.updatenic vm.backup image.restore",
    "6.6.2": "vm.backupcancel",
    "6.8": (
        "vmgroup.roleadd vmgroup.roledelete vmgroup.roleupdate backupjob.allocate backupjob.delete "
        "backupjob.update backupjob.rename backupjob.info backupjob.chown backupjob.chmod backupjob.lock "
        "backupjob.unlock backupjob.backup backupjob.cancel backupjob.retry backupjob.priority "
        "backupjob.schedadd backupjob.scheddelete backupjob.schedupdate backupjobpool.info"
    ),
    "6.8.2": "vm.attachpci vm.detachpci",
    "6.10": "vm.restore",
    "7.0": "cluster.optimize cluster.planexecute cluster.plandelete",
    "7.2": "vm.exec vm.retryexec vm.cancelexec",
    "7.4": "vm.vmgroupadd vm.vmgroupdel group.vlan",
}
SINCE = {method: release for release, methods in _CAME_WITH.items() for method in methods.split()}
FEATURES = {"quotas of clusters": "7.0"}
TESTED = "6.10"  # what this release has is not asked for before a call

NEWEST = "7.4"  # whose methods are known


def number(release):
    """A release as numbers that compare: ``7.4.0`` → (7, 4, 0)."""
    return tuple(int(part) for part in release.split(".") if is_whole(part))


def later(release):
    """Whether a release came after the oldest one that is tested."""
    return number(release) > number(TESTED)
