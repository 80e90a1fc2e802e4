# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The releases of OpenNebula that the simulator speaks, and all in which they differ: one table.

A field says what a release does; the default is what 7.4.0 does. The rest of the simulator asks the release of its
cloud and names none. Every row was recorded from a real server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

FORBIDDEN_IN_NAMES = "&|:\\\";/'#{}$<>\t\n\v\f\r"


@dataclass(frozen=True)
class Release:
    """One release. Its configuration, data/NAME.conf, is the other half of the table."""

    name: str

    # Methods
    lacks_methods: frozenset[str] = frozenset()  # those that a later release brought
    methods: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # name -> what its row says otherwise
    bare_call_fault: int = -500  # of a call without any argument
    checks_session_type: bool = False  # a session that is no string is a fault, not a refusal
    reads_options_first: bool = True  # optional arguments of `info` are read before the object is looked for
    router_chmod_reaches_vms: bool = False

    # Codes and texts
    allocation_codes: Mapping[str, bool] = field(default_factory=dict)  # kind -> refused with ALLOCATE, if not as usual
    clone_refused_as_allocation: bool = False
    unknown_group_quota_refused: bool = True  # with AUTHORIZATION, even for oneadmin
    restores_unknown_images: bool = True  # in silence
    image_types: tuple[str, ...] = ("OS", "CDROM", "DATABLOCK", "KERNEL", "RAMDISK", "CONTEXT", "BACKUP", "FILESYSTEM")
    not_cloneable: str = "{type} images cannot be cloned."
    saveas_names_vm: bool = True  # the object ID of a refusal
    disk_missing: str = "VM disk does not exist"  # to one.vm.detach
    wrong_state_filter: str = "Incorrect state filter {state}"
    endpoints: str = "ENDPOINT or ENDPOINT_GRPC"  # what one.zone.addserver misses
    missing_vn_mad: str = "No VN_MAD in template for Virtual Network."  # to one.vn.update
    bad_mac: str = "Wrong format for MAC attribute: {mac}"
    unknown_market: str = "Cannot find associated MARKETPLACE ID = {id}"

    # Results
    answers: Mapping[str, Callable[[Sequence[int]], int]] = field(default_factory=dict)  # of the arguments
    calculated: str = " "  # answer of one.vmpool.calculateshowback

    # Behaviour
    tells_quota_of_disks: bool = False  # which limit a disk that is attached, or grows, exceeds
    cluster_quotas: bool = True  # of VMs in clusters; CLUSTER_IDS is ignored else
    trims: bool = True  # blanks around values and around names in templates
    forbidden: Mapping[str, str] = field(default_factory=dict)  # kind -> characters that names must not hold
    clones_without_use: bool = True  # templates and documents
    resize_always_checked: bool = False  # against the host, of a VM that does not run too
    live_migrates_both: bool = False  # host and datastore at once
    adds_ranges: bool = True  # those of the extra template of a network to those of the stored one
    checks_network_drivers: bool = True  # VLAN_ID is a number, BRIDGE_TYPE one that the driver lists
    normalises_features: bool = True  # one.vm.updateconf: YES and NO
    old_flow: bool = False  # OneFlow has roles in the form of OpenNebula 6
    public_clouds: bool = False  # AUTOMATIC_REQUIREMENTS speak of them
    pci_identity: tuple[str, ...] = ("CLASS", "DEVICE", "VENDOR")  # what a PCI device gets from that of the host
    pci_placed_early: bool = False  # its address in the guest is known before the VM is deployed
    pci_in_context: bool = False
    default_driver: str = "local"  # the transfer driver of the datastores of a new server
    job_backups_have_request: bool = True
    leases_move_on: bool = True  # the next lease is behind the last one given, not the first free one
    template_id_field: bool = True  # of a network made from a template: an element of its own, not in TEMPLATE
    hardware: str = "7.4"  # of a dummy host

    # Elements that answers do not have: element, vector or section -> its members
    lacks: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def shown(self, where: str, members: Mapping[str, str]) -> dict[str, str]:
        """The members that this release shows there."""
        hidden = self.lacks.get(where, frozenset())
        return {name: text for name, text in members.items() if name not in hidden}

    def has(self, where: str, member: str) -> bool:
        """Whether this release shows the member there."""
        return member not in self.lacks.get(where, frozenset())


LATEST = Release("7.4.0")
RELEASES = {
    release.name: release
    for release in (
        LATEST,
        replace(
            LATEST,
            name="6.10.5",
            lacks_methods=frozenset(
                "one.cluster.optimize one.cluster.planexecute one.cluster.plandelete one.group.vlan one.vm.exec"
                " one.vm.retryexec one.vm.cancelexec one.vm.vmgroupadd one.vm.vmgroupdel".split()
            ),
            methods={
                "one.group.update": {"needs": "MANAGE GROUP"},
                "one.hookpool.info": {"arguments": "filter_flag:int, start:int, end:int"},
                "one.vm.action": {"first": ""},
                "one.vm.info": {"help": "Returns virtual machine instance information"},
            },
            bare_call_fault=-501,
            checks_session_type=True,
            reads_options_first=False,
            router_chmod_reaches_vms=True,
            allocation_codes=dict.fromkeys(("HOST", "CLUSTER", "MARKETPLACE", "MARKETPLACEAPP"), False),
            clone_refused_as_allocation=True,
            unknown_group_quota_refused=False,
            restores_unknown_images=False,
            image_types=("OS", "CDROM", "DATABLOCK", "KERNEL", "RAMDISK", "CONTEXT", "BACKUP"),
            not_cloneable="KERNEL, RAMDISK, BACKUP and CONTEXT cannot be cloned.",
            saveas_names_vm=False,
            disk_missing="Could not detach disk with DISK_ID {id}, it does not exist.",
            wrong_state_filter="Incorrect filter_flag, state",
            endpoints="ENDPOINT",
            missing_vn_mad='VN_MAD named "" is not defined in oned.conf',
            bad_mac="Wrong format for MAC attribute",
            unknown_market="Cannot find associated MARKETPLACE",
            answers={
                "one.cluster.delhost": lambda given: 0,
                "one.image.snapshotdelete": lambda given: given[1],
                "one.image.snapshotrevert": lambda given: given[1],
                "one.image.snapshotflatten": lambda given: given[1],
                "one.vm.diskresize": lambda given: given[1],
                "one.vm.snapshotdelete": lambda given: -1,
                "one.vm.snapshotrevert": lambda given: -1,
            },
            calculated="",
            tells_quota_of_disks=True,
            cluster_quotas=False,
            trims=False,
            forbidden={"GROUP": FORBIDDEN_IN_NAMES},
            clones_without_use=False,
            resize_always_checked=True,
            live_migrates_both=True,
            adds_ranges=False,
            checks_network_drivers=False,
            normalises_features=False,
            old_flow=True,
            public_clouds=True,
            pci_identity=(),
            pci_placed_early=True,
            pci_in_context=True,
            default_driver="ssh",
            job_backups_have_request=False,
            leases_move_on=False,
            template_id_field=False,
            hardware="6.10",
            lacks={
                "AR": frozenset(("NEXT_INDEX", "SHARED")),
                "BACKUP_CONFIG": frozenset(("INTERACTIVE",)),
                "CONTEXT": frozenset(("ROUTES",)),
                "DATASTORE": frozenset(("PERSISTENT_SNAPSHOTS", "DS_LIVE_MIGRATE", "DS_MIGRATE_SNAP")),
                "GROUP": frozenset(("VLAN_RULES",)),
                "HISTORY": frozenset(("PLAN_ID", "ACTION_ID")),
                "HOST": frozenset(("TOTALCPU", "TOTALMEMORY", "MEMORY_ENCRYPTION")),
                "HOST/PCI": frozenset(("IFNAME", "SRIOV", "SRIOV_NUM")),
                "IMAGE": frozenset(("MODTIME",)),
                "VM_QUOTA": frozenset(("PCI_DEV", "PCI_NIC", "RUNNING_PCI_DEV", "RUNNING_PCI_NIC")),
                "VNET": frozenset(("TEMPLATE_ID",)),
                "ZONE": frozenset(("ENDPOINT_GRPC",)),
            },
        ),
    )
}
