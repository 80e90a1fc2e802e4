# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What the dummy drivers report: the hardware of a host, its samples, the size of a datastore."""

from __future__ import annotations

from .releases import Release
from .template import Vector

TOTAL_CPU = 800  # percent of a core
TOTAL_MEM = 16777216  # KiB
DATASTORE_MB = {"TOTAL_MB": 20480, "FREE_MB": 20480, "USED_MB": 9720}
IMAGE_MB, IMAGE_SOURCE, IMAGE_FORMAT = 1024, "dummy_path", "dummy_format"
BACKUP_MB, BACKUP_SOURCE = 1024, "dummy-backup-id"
RESTORED = "0 dummy_image"  # IDs of a VM template and of images, as the datastore driver answers
HOST_DISKS = {"DISK_USAGE": "0", "FREE_DISK": "20480", "MAX_DISK": "20480", "USED_DISK": "9720"}

USB = ("0c03", "USB controller")
ETHERNET = ("0200", "Ethernet controller")
MELLANOX = ("15b3", "Mellanox Technologies")
NVIDIA = ("10de", "NVIDIA Corporation")
# address, class, vendor, device, interface, NUMA node, SR-IOV role
PCI = {
    "6.10": [
        (
            "0000:02:00:0",
            ("0300", "VGA compatible controller"),
            NVIDIA,
            ("0863", "C79 [GeForce 9400M]"),
            "-",
            "1",
            "no",
        ),
        ("0000:00:06:0", USB, NVIDIA, ("0aa7", "MCP79 OHCI USB 1.1 Controller"), "-", "1", "no"),
        ("0000:00:06:1", USB, NVIDIA, ("0aa9", "MCP79 EHCI USB 2.0 Controller"), "-", "0", "no"),
    ],
    "7.4": [
        (
            "0000:02:00:0",
            ("0302", "3D controller"),
            ("10de", "NVIDIA Corporation"),
            ("0863", "C79 [GeForce 9400M]"),
            "-",
            "1",
            "no",
        ),
        (
            "0000:00:06:0",
            USB,
            ("1b21", "ASMedia Technology Inc."),
            ("0aa7", "MCP79 OHCI USB 1.1 Controller"),
            "-",
            "1",
            "no",
        ),
        (
            "0000:00:06:1",
            USB,
            ("1022", "Advanced Micro Devices, Inc."),
            ("0aa9", "MCP79 EHCI USB 2.0 Controller"),
            "-",
            "0",
            "no",
        ),
        (
            "0000:04:00:1",
            ETHERNET,
            ("14e4", "Broadcom Inc. and subsidiaries"),
            ("165f", "NetXtreme BCM5720 Gigabit Ethernet PCIe"),
            "eno8403",
            "0",
            "no",
        ),
        *(
            (f"0000:81:00:{n}", ETHERNET, MELLANOX, ("1015", "MT27710 Family [ConnectX-4 Lx]"), f"pf{n}", "0", "pf")
            for n in range(2)
        ),
        *(
            (
                f"0000:81:0{n // 8}:{n % 8}",
                ETHERNET,
                MELLANOX,
                ("1016", "MT27710 Family [ConnectX-4 Lx Virtual Function]"),
                f"vf0{n // 8}{n % 8}",
                "0",
                "vf",
            )
            for n in range(2, 18)
        ),
    ],
}
VIRTUAL_FUNCTIONS = "8"  # of each physical one
# The profiles of the virtual GPU of 7.4: number of the first, kind -> sizes
GPU_PROFILES = [(1145, "B", "1 2"), (1147, "Q", "1 2 3 4 6 8 12 16 24 48"), (1157, "A", "1 2 3 4 6 8 12 16 24 48")]


def gpu_profiles() -> str:
    return ",".join(
        f"{first + i} (NVIDIA L40S-{size}{kind})"
        for first, kind, sizes in GPU_PROFILES
        for i, size in enumerate(sizes.split())
    )


GPUS = {  # type of a device -> its profiles
    "10de:0863:0300": ",".join(f"nvidia-{number}" for number in range(908, 926)),
    "10de:0863:0302": gpu_profiles(),
}


def pci_device(
    address: str, klass: tuple, vendor: tuple, device: tuple, interface: str, node: str, role: str
) -> Vector:
    domain, bus, slot, function = address.split(":")
    found = {
        "ADDRESS": address,
        "BUS": bus,
        "CLASS": klass[0],
        "CLASS_NAME": klass[1],
        "DEVICE": device[0],
        "DEVICE_NAME": device[1],
        "DOMAIN": domain,
        "FUNCTION": function,
        "IFNAME": interface,
        "NUMA_NODE": node,
        "SHORT_ADDRESS": f"{bus}:{slot}.{function}",
        "SLOT": slot,
        "SRIOV": role,
        "TYPE": f"{vendor[0]}:{device[0]}:{klass[0]}",
        "VENDOR": vendor[0],
        "VENDOR_NAME": vendor[1],
        "VMID": "-1",
    }
    if role == "pf":
        found["SRIOV_NUM"] = VIRTUAL_FUNCTIONS
    if found["TYPE"] in GPUS:
        found["PROFILES"] = GPUS[found["TYPE"]]
    return found


def pci_devices(release: Release) -> list[Vector]:
    """The PCI devices of one host, none of them in use."""
    return [release.shown("HOST/PCI", pci_device(*row)) for row in PCI[release.hardware]]


NODES, CORES, THREADS = 2, 8, 4
HUGEPAGES = {"2048": "1024", "1048576": "1024"}  # KiB -> pages


def numa_nodes() -> list[dict]:
    """The NUMA nodes of one host: CPUs of each core (0 free, 1 pinned…), hugepages and memory."""
    cores = NODES * CORES
    return [
        {
            "NODE_ID": str(node),
            "CORE": [
                {
                    "ID": str(core),
                    "CPUS": ",".join(f"{core + cores * thread}:-1" for thread in range(THREADS)),
                    "DEDICATED": "NO",
                    "FREE": str(THREADS),
                }
                for core in range(node * CORES, (node + 1) * CORES)
            ],
            "HUGEPAGE": [{"PAGES": pages, "SIZE": size, "USAGE": "0"} for size, pages in HUGEPAGES.items()],
            "MEMORY": [
                {
                    "DISTANCE": " ".join(str(abs(node - other)) for other in range(NODES)),
                    "TOTAL": str(TOTAL_MEM // NODES),
                    "USAGE": "0",
                }
            ],
        }
        for node in range(NODES)
    ]


CPU_FEATURES = (
    "vme,ds,acpi,ss,ht,tm,pbe,dtes64,monitor,ds_cpl,vmx,smx,est,tm2,xtpr,pdcm,osxsave,f16c,rdrand,arat,tsc_adjust,"
    "clflushopt,clwb,intel-pt,sha-ni,umip,pku,ospke,waitpkg,gfni,vaes,vpclmulqdq,rdpid,movdiri,movdir64b,pks,fsrm,"
    "md-clear,serialize,arch-lbr,stibp,arch-capabilities,core-capability,ssbd,avx-vnni,xsaveopt,xsavec,xgetbv1,"
    "xsaves,pdpe1gb,abm,invtsc,rdctl-no,ibrs-all,skip-l1dfl-vmentry,mds-no,pschange-mc-no"
)
CPU_MODELS = (
    "486 pentium pentium2 pentium3 pentiumpro coreduo n270 core2duo qemu32 kvm32 cpu64-rhel5 cpu64-rhel6 kvm64 Conroe"
    " Penryn Nehalem Nehalem-IBRS Westmere Westmere-IBRS SandyBridge SandyBridge-IBRS IvyBridge IvyBridge-IBRS"
    " SapphireRapids SapphireRapids-noTSX Opteron_G1"
)


def host_attributes(name: str) -> dict[str, str]:
    """What monitoring writes into the template of a host."""
    return {
        "ARCH": "x86_64",
        "CPUSPEED": "3200",
        "HOSTNAME": name,
        "HYPERVISOR": "dummy",
        "KVM_CPU_FEATURES": CPU_FEATURES,
        "KVM_CPU_MODELS": CPU_MODELS,
        "MEMORY_ENCRYPTION": "SEV",
        "MODELNAME": "Dummy(R) Core @ 3.2GHz",
        **CAPACITY,
    }


CAPACITY = {"TOTALCPU": str(TOTAL_CPU), "TOTALMEMORY": str(TOTAL_MEM)}


def host_sample(oid: int, moment: int) -> str:
    """One monitoring sample of a host. A real dummy draws random numbers; these depend on ID and time only."""
    used_cpu = (oid * 37 + moment * 11) % TOTAL_CPU
    used_mem = (oid * 104729 + moment * 7919) % TOTAL_MEM
    numbers = {
        "FREE_CPU": TOTAL_CPU - used_cpu,
        "FREE_MEMORY": TOTAL_MEM - used_mem,
        "USED_CPU": used_cpu,
        "USED_MEMORY": used_mem,
    }
    capacity = "".join([f"<{name}><![CDATA[{number}]]></{name}>" for name, number in numbers.items()])
    nodes = "".join([node_sample(node, used_mem // NODES) for node in range(NODES)])
    return (
        f"<MONITORING><TIMESTAMP>{moment}</TIMESTAMP><ID>{oid}</ID><CAPACITY>{capacity}</CAPACITY><SYSTEM>"
        f"<NETRX><![CDATA[{50_000_000 + moment}]]></NETRX><NETTX><![CDATA[{10_000_000 + moment}]]></NETTX></SYSTEM>"
        f"{nodes}</MONITORING>"
    )


def vm_sample(oid: int, moment: int) -> str:
    """One monitoring sample of a VM; its numbers too depend on ID and time only."""
    numbers = {
        "CPU": (oid * 7 + moment) % 100,
        "DISKRDBYTES": moment % 100_000,
        "DISKRDIOPS": moment % 1_000,
        "DISKWRBYTES": moment % 70_000,
        "DISKWRIOPS": moment % 700,
        "ID": oid,
        "MEMORY": 40_000 + (oid * 101 + moment) % 60_000,
        "NETRX": moment % 10_000_000,
        "NETTX": moment % 5_000_000,
        "TIMESTAMP": moment,
    }
    shown = "".join([f"<{name}><![CDATA[{number}]]></{name}>" for name, number in numbers.items()])
    return f"<MONITORING>{shown}</MONITORING>"


def node_sample(node: int, used: int) -> str:
    pages = "".join(
        [
            f"<HUGEPAGE><FREE><![CDATA[{number}]]></FREE><SIZE><![CDATA[{size}]]></SIZE></HUGEPAGE>"
            for size, number in HUGEPAGES.items()
        ]
    )
    free = TOTAL_MEM // NODES - used
    return (
        f"<NUMA_NODE>{pages}<MEMORY><FREE><![CDATA[{free}]]></FREE><USED><![CDATA[{used}]]></USED></MEMORY>"
        f"<NODE_ID><![CDATA[{node}]]></NODE_ID></NUMA_NODE>"
    )
