# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The numbers of the API and their names: states, types, actions and flags, as OpenNebula 7.4 has them.

Older releases know a part of them; a number keeps its meaning.  ``LCM_STATE(3)``, ``LCM_STATE["RUNNING"]`` and
``LCM_STATE.RUNNING`` are one constant, equal to 3, named ``RUNNING`` and labelled ``"running"``.
"""

from __future__ import annotations

from enum import IntEnum

# Words of names that people write in another way, and whole names.
_WORDS = {
    "api": "API",
    "ar": "AR",
    "cdrom": "CD-ROM",
    "id": "ID",
    "ip": "IP",
    "iscsi": "iSCSI",
    "lcm": "life cycle",
    "mac": "MAC",
    "nets": "networks",
    "nic": "NIC",
    "os": "operating system",
    "pci": "PCI",
    "pers": "persistent",
    "poweroff": "power off",
    "rbd": "RBD",
    "rpc": "RPC",
    "saveas": "save as",
    "sched": "scheduled action",
    "sg": "security group",
    "updateconf": "update configuration",
    "vlan": "VLAN",
    "vm": "VM",
    "vmgroup": "VM group",
    "vmtemplate": "VM template",
    "vn": "virtual network",
}
_LABELS = {
    "DISK_TYPES.CD_ROM": "CD-ROM",
    "RECOVER_OPERATIONS.DELETE_DB": "delete from the database",
    "REMOVE_VNET_ATTRS.VN_MAD": "network driver",
    "VM_STATE.POWEROFF": "powered off",
}


class Constant(IntEnum):
    """A number of the API: an integer with a name, and a label for people to read."""

    @property
    def label(self) -> str:
        """The name in words: ``"prolog migrate failure"``, ``"NIC attach"``."""
        words = self.name.lower().replace("-", "_").split("_")
        in_words = " ".join(_WORDS.get(word, word) for word in words)
        return _LABELS.get("%s.%s" % (type(self).__name__, self.name), in_words)


class VM_STATE(Constant):
    """STATE of a VM.  FAILED has not been used since release 4; 10 and 11 are VMs that wait for their images."""

    INIT = 0
    PENDING = 1
    HOLD = 2
    ACTIVE = 3
    STOPPED = 4
    SUSPENDED = 5
    DONE = 6
    FAILED = 7
    POWEROFF = 8
    UNDEPLOYED = 9
    CLONING = 10
    CLONING_FAILURE = 11


class LCM_STATE(Constant):
    """LCM_STATE of a VM, which counts while its STATE is ACTIVE; 13, 14, 55 and 58 are unused."""

    LCM_INIT = 0
    PROLOG = 1
    BOOT = 2
    RUNNING = 3
    MIGRATE = 4
    SAVE_STOP = 5
    SAVE_SUSPEND = 6
    SAVE_MIGRATE = 7
    PROLOG_MIGRATE = 8
    PROLOG_RESUME = 9
    EPILOG_STOP = 10
    EPILOG = 11
    SHUTDOWN = 12
    CANCEL = 13
    FAILURE = 14
    CLEANUP_RESUBMIT = 15
    UNKNOWN = 16
    HOTPLUG = 17
    SHUTDOWN_POWEROFF = 18
    BOOT_UNKNOWN = 19
    BOOT_POWEROFF = 20
    BOOT_SUSPENDED = 21
    BOOT_STOPPED = 22
    CLEANUP_DELETE = 23
    HOTPLUG_SNAPSHOT = 24
    HOTPLUG_NIC = 25
    HOTPLUG_SAVEAS = 26
    HOTPLUG_SAVEAS_POWEROFF = 27
    HOTPLUG_SAVEAS_SUSPENDED = 28
    SHUTDOWN_UNDEPLOY = 29
    EPILOG_UNDEPLOY = 30
    PROLOG_UNDEPLOY = 31
    BOOT_UNDEPLOY = 32
    HOTPLUG_PROLOG_POWEROFF = 33
    HOTPLUG_EPILOG_POWEROFF = 34
    BOOT_MIGRATE = 35
    BOOT_FAILURE = 36
    BOOT_MIGRATE_FAILURE = 37
    PROLOG_MIGRATE_FAILURE = 38
    PROLOG_FAILURE = 39
    EPILOG_FAILURE = 40
    EPILOG_STOP_FAILURE = 41
    EPILOG_UNDEPLOY_FAILURE = 42
    PROLOG_MIGRATE_POWEROFF = 43
    PROLOG_MIGRATE_POWEROFF_FAILURE = 44
    PROLOG_MIGRATE_SUSPEND = 45
    PROLOG_MIGRATE_SUSPEND_FAILURE = 46
    BOOT_UNDEPLOY_FAILURE = 47
    BOOT_STOPPED_FAILURE = 48
    PROLOG_RESUME_FAILURE = 49
    PROLOG_UNDEPLOY_FAILURE = 50
    DISK_SNAPSHOT_POWEROFF = 51
    DISK_SNAPSHOT_REVERT_POWEROFF = 52
    DISK_SNAPSHOT_DELETE_POWEROFF = 53
    DISK_SNAPSHOT_SUSPENDED = 54
    DISK_SNAPSHOT_REVERT_SUSPENDED = 55
    DISK_SNAPSHOT_DELETE_SUSPENDED = 56
    DISK_SNAPSHOT = 57
    DISK_SNAPSHOT_REVERT = 58
    DISK_SNAPSHOT_DELETE = 59
    PROLOG_MIGRATE_UNKNOWN = 60
    PROLOG_MIGRATE_UNKNOWN_FAILURE = 61
    DISK_RESIZE = 62
    DISK_RESIZE_POWEROFF = 63
    DISK_RESIZE_UNDEPLOYED = 64
    HOTPLUG_NIC_POWEROFF = 65
    HOTPLUG_RESIZE = 66
    HOTPLUG_SAVEAS_UNDEPLOYED = 67
    HOTPLUG_SAVEAS_STOPPED = 68
    BACKUP = 69
    BACKUP_POWEROFF = 70
    RESTORE = 71


class HOST_STATES(Constant):
    """STATE of a host.  Those with MONITORING_ are of releases before 5.12."""

    INIT = 0
    MONITORING_MONITORED = 1
    MONITORED = 2
    ERROR = 3
    DISABLED = 4
    MONITORING_ERROR = 5
    MONITORING_INIT = 6
    MONITORING_DISABLED = 7
    OFFLINE = 8


class HOST_STATUS(Constant):
    """What one.host.status sets."""

    ENABLED = 0
    DISABLED = 1
    OFFLINE = 2


class IMAGE_STATES(Constant):
    """STATE of an image."""

    INIT = 0
    READY = 1
    USED = 2
    DISABLED = 3
    LOCKED = 4
    ERROR = 5
    CLONE = 6
    DELETE = 7
    USED_PERS = 8
    LOCKED_USED = 9
    LOCKED_USED_PERS = 10


class IMAGE_TYPES(Constant):
    """TYPE of an image; BACKUP since 6.6, FILESYSTEM since 7.0."""

    OS = 0
    CDROM = 1
    DATABLOCK = 2
    KERNEL = 3
    RAMDISK = 4
    CONTEXT = 5
    BACKUP = 6
    FILESYSTEM = 7


class DISK_TYPES(Constant):
    """DISK_TYPE of an image or a datastore."""

    FILE = 0
    CD_ROM = 1
    BLOCK = 2
    RBD = 3
    RBD_CDROM = 4
    GLUSTER = 5
    GLUSTER_CDROM = 6
    SHEEPDOG = 7
    SHEEPDOG_CDROM = 8
    ISCSI = 9
    FILE_SYSTEM = 10
    NONE = 255


class DATASTORE_TYPES(Constant):
    """TYPE of a datastore; BACKUP since 6.6."""

    IMAGE = 0
    SYSTEM = 1
    FILE = 2
    BACKUP = 3


class DATASTORE_STATES(Constant):
    """STATE of a datastore."""

    READY = 0
    DISABLED = 1


class VNET_STATES(Constant):
    """STATE of a virtual network, since 6.4."""

    INIT = 0
    READY = 1
    LOCK_CREATE = 2
    LOCK_DELETE = 3
    DONE = 4
    ERROR = 5
    UPDATE_FAILURE = 6


class MARKETPLACE_STATES(Constant):
    """STATE of a marketplace, since 6.0."""

    ENABLED = 0
    DISABLED = 1


class MARKETPLACEAPP_STATES(Constant):
    """STATE of a marketplace app."""

    INIT = 0
    READY = 1
    LOCKED = 2
    ERROR = 3
    DISABLED = 4


class MARKETPLACEAPP_TYPES(Constant):
    """TYPE of a marketplace app."""

    UNKNOWN = 0
    IMAGE = 1
    VMTEMPLATE = 2
    SERVICE_TEMPLATE = 3


class ZONE_STATES(Constant):
    """STATE of a zone, since 6.2; a disabled one is read only."""

    ENABLED = 0
    DISABLED = 1


class RAFT_STATES(Constant):
    """STATE of a server, as one.zone.raftstatus tells it."""

    SOLO = 0
    CANDIDATE = 1
    FOLLOWER = 2
    LEADER = 3


class PLAN_STATES(Constant):
    """STATE of a cluster's plan, since 7.0."""

    NONE = -1
    READY = 0
    APPLYING = 1
    DONE = 2
    ERROR = 3
    TIMEOUT = 4


class HOOK_TYPES(Constant):
    """What a hook waits for."""

    STATE = 1
    API = 2


class HOOKLOG_RESULTS(Constant):
    """rc of one.hooklog.info: which executions are told."""

    FAILURE = -1
    ANY = 0
    SUCCESS = 1


class LOCK_LEVELS(Constant):
    """Level of one.*.lock and LOCKED of an object: the lowest right that the lock forbids.  ALL is stored as USE."""

    USE = 1
    MANAGE = 2
    ADMIN = 3
    ALL = 4


class UPDATE_TYPES(Constant):
    """How one.*.update and its like take a template: in place of the old one, or name by name."""

    REPLACE = 0
    APPEND = 1


class FILTER_FLAGS(Constant):
    """filter_flag of the pools; an id from 0 is that of an owner."""

    GROUP = -4
    MINE = -3
    ALL = -2
    MINE_GROUP = -1


class VM_FILTERS(Constant):
    """state of one.vmpool.info beside the numbers of VM_STATE."""

    ANY = -2
    NOT_DONE = -1


class RECOVER_OPERATIONS(Constant):
    """Operation of one.vm.recover."""

    FAILURE = 0
    SUCCESS = 1
    RETRY = 2
    DELETE = 3
    DELETE_RECREATE = 4
    DELETE_DB = 5


class VNET_RECOVER_OPERATIONS(Constant):
    """Operation of one.vn.recover."""

    FAILURE = 0
    SUCCESS = 1
    DELETE = 2
    RETRY = 3


class MIGRATION_TYPES(Constant):
    """How one.vm.migrate moves a VM that is not moved live."""

    SAVE = 0
    POWEROFF = 1
    POWEROFF_HARD = 2


class REPEAT_TYPES(Constant):
    """REPEAT of a scheduled action: what its DAYS count."""

    NONE = -1
    WEEKLY = 0
    MONTHLY = 1
    YEARLY = 2
    HOURLY = 3


class END_TYPES(Constant):
    """END_TYPE of a repeated scheduled action; END_VALUE says how often or until when."""

    NONE = -1
    NEVER = 0
    REPETITIONS = 1
    DATE = 2


class DOCUMENT_TYPES(Constant):
    """TYPE of the documents of OneFlow."""

    SERVICE = 100
    SERVICE_TEMPLATE = 101


class SERVICE_STATES(Constant):
    """State of a service of OneFlow."""

    PENDING = 0
    DEPLOYING = 1
    RUNNING = 2
    UNDEPLOYING = 3
    WARNING = 4
    DONE = 5
    FAILED_UNDEPLOYING = 6
    FAILED_DEPLOYING = 7
    SCALING = 8
    FAILED_SCALING = 9
    COOLDOWN = 10
    DEPLOYING_NETS = 11
    UNDEPLOYING_NETS = 12
    FAILED_DEPLOYING_NETS = 13
    FAILED_UNDEPLOYING_NETS = 14
    HOLD = 15


# What a service leaves only by `recover`, and what passes by itself.
SERVICE_FAILED_STATES = frozenset(state for state in SERVICE_STATES if state.name.startswith("FAILED_"))
SERVICE_TRANSIENT_STATES = frozenset(
    SERVICE_STATES[name]
    for name in ("DEPLOYING", "UNDEPLOYING", "SCALING", "COOLDOWN", "DEPLOYING_NETS", "UNDEPLOYING_NETS")
)


class ROLE_STATES(Constant):
    """State of a role of a service of OneFlow."""

    PENDING = 0
    DEPLOYING = 1
    RUNNING = 2
    UNDEPLOYING = 3
    WARNING = 4
    DONE = 5
    FAILED_UNDEPLOYING = 6
    FAILED_DEPLOYING = 7
    SCALING = 8
    FAILED_SCALING = 9
    COOLDOWN = 10
    HOLD = 11


class ERROR_CODES(Constant):
    """Code of an exception of the API."""

    SUCCESS = 0x00000
    AUTHENTICATION = 0x00100
    AUTHORIZATION = 0x00200
    NO_EXISTS = 0x00400
    ACTION = 0x00800
    RPC_API = 0x01000
    INTERNAL = 0x02000
    ALLOCATE = 0x04000
    LOCKED = 0x08000
    REPLICATION = 0x10000


class PAGINATED_POOLS(Constant):
    """Pools that can be read page by page."""

    VM_POOL = 0
    IMAGE_POOL = 1
    TEMPLATE_POOL = 2
    VN_POOL = 3
    DOCUMENT_POOL = 4
    SECGROUP_POOL = 5
    VNTEMPLATE_POOL = 6
    VMGROUP_POOL = 7
    VROUTER_POOL = 8
    MARKETAPP_POOL = 9
    BACKUPJOB_POOL = 10


class REMOVE_VNET_ATTRS(Constant):
    """Attributes of a VM's NIC that come from its network, not from its template."""

    AR_ID = 0
    BRIDGE = 1
    CLUSTER_ID = 2
    IP = 3
    MAC = 4
    TARGET = 5
    NIC_ID = 6
    NETWORK_ID = 7
    VN_MAD = 8
    SECURITY_GROUPS = 9
    VLAN_ID = 10


_HISTORY = (
    "none migrate live-migrate shutdown shutdown-hard undeploy undeploy-hard hold release stop suspend resume"
    " boot delete delete-recreate reboot reboot-hard resched unresched poweroff poweroff-hard disk-attach"
    " disk-detach nic-attach nic-detach disk-snapshot-create disk-snapshot-delete terminate terminate-hard"
    " disk-resize deploy chown chmod updateconf rename resize update snapshot-create snapshot-delete"
    " snapshot-revert disk-saveas disk-snapshot-revert recover retry monitor disk-snapshot-rename alias-attach"
    " alias-detach poweroff-migrate poweroff-hard-migrate backup nic-update backup-cancel sched-add"
    " sched-update sched-delete sg-attach sg-detach pci-attach pci-detach restore exec exec-retry exec-cancel"
    " vmgroup-add vmgroup-del"
).split()
# Their names hold hyphens, so this is no class statement.  pyone 7.3.80 has another name for snapshot-create.
HISTORY_ACTION: type[Constant] = Constant(  # type: ignore[assignment, call-arg]
    "HISTORY_ACTION",  # type: ignore[arg-type]
    [(name, number) for number, name in enumerate(_HISTORY)] + [("snapshot-resize", 37)],
)
HISTORY_ACTION.__doc__ = "ACTION of a record of a VM's history; 3, 4 and 12 are unused."


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# What one.vm.action does, and what a scheduled action (one.vm.schedadd) may do.
VM_ACTIONS = _words(
    "terminate terminate-hard undeploy undeploy-hard poweroff poweroff-hard reboot reboot-hard"
    " hold release stop suspend resume resched unresched"
)
SCHED_ACTIONS = _words(
    "terminate terminate-hard undeploy undeploy-hard poweroff poweroff-hard reboot reboot-hard"
    " hold release stop suspend resume snapshot-create snapshot-revert snapshot-delete"
    " disk-snapshot-create disk-snapshot-revert disk-snapshot-delete backup"
)
# Values of template attributes that are words.
ALLOW_ORPHANS = _words("YES NO MIXED FORMAT LINEAR")  # of a DISK's snapshots
AR_TYPES = _words("ETHER IP4 IP6 IP6_STATIC IP4_6 IP4_6_STATIC")  # TYPE of an AR
BACKUP_EXECUTIONS = _words("SEQUENTIAL PARALLEL")  # EXECUTION of a backup job
BACKUP_MODES = _words("FULL INCREMENT")  # MODE of BACKUP_CONFIG
BRIDGE_TYPES = _words("linux openvswitch openvswitch_dpdk none")  # BRIDGE_TYPE of a network
DRS_AUTOMATIONS = _words("manual partial full")  # AUTOMATION of a cluster's ONE_DRS
DRS_POLICIES = _words("pack balance")  # POLICY of a cluster's ONE_DRS
FS_FREEZE_MODES = _words("NONE AGENT SUSPEND")  # FS_FREEZE of BACKUP_CONFIG
INCREMENT_MODES = _words("CBT SNAPSHOT")  # INCREMENT_MODE of BACKUP_CONFIG
PIN_POLICIES = _words("NONE CORE THREAD SHARED")  # PIN_POLICY of TOPOLOGY and of a host
VM_GROUP_POLICIES = _words("NONE AFFINED ANTI_AFFINED")  # POLICY of a VM group's ROLE
