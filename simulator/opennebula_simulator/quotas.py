# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Quotas of users and groups: limits, usage, and the check before something is used."""

from __future__ import annotations

import struct
from collections.abc import Container, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import Refused, wrong_action
from .releases import LATEST, Release
from .template import Template, Vector, attribute

if TYPE_CHECKING:
    from .calls import Call

DEFAULT, UNLIMITED = -1.0, -2.0

# Section of the XML -> the element in it and its metrics, in the order in which they are checked.
SECTIONS: dict[str, tuple[str, list[str]]] = {
    "DATASTORE_QUOTA": ("DATASTORE", ["SIZE", "IMAGES"]),
    "NETWORK_QUOTA": ("NETWORK", ["LEASES"]),
    "VM_QUOTA": (
        "VM",
        "VMS RUNNING_VMS CPU RUNNING_CPU MEMORY RUNNING_MEMORY SYSTEM_DISK_SIZE"
        " PCI_DEV RUNNING_PCI_DEV PCI_NIC RUNNING_PCI_NIC".split(),
    ),
    "IMAGE_QUOTA": ("IMAGE", ["RVMS"]),
}
SECTION_OF = {element: section for section, (element, dummy) in SECTIONS.items()}
METRICS = dict(SECTIONS.values())
KEY = {"VM": "CLUSTER_IDS"}  # what tells the quotas of an element apart, where it is not the ID


class Use(NamedTuple):
    """So much of each metric of one element: the datastore, network or image of an ID, VMs in a cluster or at all."""

    element: str
    key: str  # an ID; of VMs that of a cluster, or "" for VMs anywhere
    amounts: dict[str, float]


class Limit(NamedTuple):
    """Limits of an element by metric; of VMs in some clusters, or with "" anywhere."""

    element: str
    key: str
    metrics: dict[str, float]


class Quota:
    """Limit and usage of each metric of one element, e.g. of datastore 1.

    A quota of VMs in clusters has no default behind it, and is nothing without a limit, whatever is used.
    """

    def __init__(self, metrics: Iterable[str], unset: float, of_clusters: bool = False) -> None:
        self.of_clusters = of_clusters
        self.unset = UNLIMITED if of_clusters else unset
        self.limits = dict.fromkeys(metrics, self.unset)
        self.used = dict.fromkeys(metrics, 0.0)

    def limit(self, given: dict[str, float]) -> None:
        """Takes over limits by metric; a metric that is not given is no longer limited."""
        found = {metric: given.get(metric, self.unset) for metric in self.limits}
        self.limits = {name: self.unset if limit == DEFAULT else limit for name, limit in found.items()}

    def is_void(self) -> bool:
        is_used = any(self.used.values()) and not self.of_clusters
        return not is_used and all(limit == self.unset for limit in self.limits.values())

    def count(self, amounts: dict[str, float], sign: int) -> None:
        for metric, amount in amounts.items():
            self.used[metric] = float(shown(single(self.used[metric] + sign * amount)))

    def vector(self, name: str, key: str, section: str, release: Release) -> Vector:
        limits = release.shown(section, {metric: shown(limit) for metric, limit in self.limits.items()})
        members = {**limits, **{f"{metric}_USED": shown(self.used[metric]) for metric in limits}}
        return dict(members, **{name: key}) if key else members


def single(number: float) -> float:
    """A number with 32 bits, as the server computes."""
    return float(struct.unpack("f", struct.pack("f", number))[0])


def shown(number: float) -> str:
    """Whole numbers without, all others with two decimals."""
    return f"{number:.0f}" if number == int(number) else f"{number:.2f}"


class Quotas:
    """All quotas of a user or a group, in the order in which they came; or the defaults, which count no usage."""

    def __init__(self, unset: float = DEFAULT) -> None:
        self.unset = unset  # the limit of a metric that nobody has limited
        self._quotas: dict[str, dict[str, Quota]] = {element: {} for element in METRICS}

    def of(self, element: str, key: str) -> Quota | None:
        """The quota of an element: for VMs in a cluster the one among whose clusters it is."""
        found = self._quotas[element]
        if element == "VM" and key:
            return next((quota for keys, quota in found.items() if key in keys.split(",")), None)
        return found.get(key)

    # -------------------------------------------------------- limits

    def set(self, limits: list[Limit]) -> list[str]:
        """Takes over limits; what they do not name is no longer limited. New sets of clusters. Raises Refused."""
        present = self.cluster_sets()
        fresh = [key for element, key, dummy in limits if element == "VM" and key and key not in present]
        for number in ",".join(fresh).split(","):
            if any(number in key.split(",") for key in present):
                raise wrong_action(f"Quota for cluster id {number} already exists")
        for element, key, given in limits:
            of_clusters = element == "VM" and bool(key)
            quota = self._quotas[element].setdefault(key, Quota(METRICS[element], self.unset, of_clusters))
            quota.limit(given)
            self._tidy(element, key)
        return [key for key in fresh if key in self._quotas["VM"]]

    def _tidy(self, element: str, key: str) -> None:
        if self._quotas[element][key].is_void():
            del self._quotas[element][key]

    def cluster_sets(self) -> list[str]:
        """The quotas of VMs in clusters: their CLUSTER_IDS."""
        return [key for key in self._quotas["VM"] if key]

    # -------------------------------------------------------- usage

    def charge(self, uses: Iterable[Use], defaults: Quotas) -> str:
        """Counts all of it, or nothing and tells which limit forbids it."""
        counted: list[Use] = []
        for use in uses:
            why = self._exceeded(use, defaults)
            if why:
                self.refund(counted)
                return why
            self._count(use, 1)
            counted.append(use)
        return ""

    def refund(self, uses: Iterable[Use]) -> None:
        for use in uses:
            self._count(use, -1)

    def count(self, uses: Iterable[Use]) -> None:
        """Counts without a check."""
        for use in uses:
            self._count(use, 1)

    def _exceeded(self, use: Use, defaults: Quotas) -> str:
        quota = self.of(use.element, use.key)
        if quota is None and use.element == "VM" and use.key:
            return ""
        quota = quota or Quota(METRICS[use.element], self.unset)
        default = defaults.of(use.element, use.key)
        for metric in METRICS[use.element]:
            if metric not in use.amounts:
                continue
            limit = quota.limits[metric]
            if limit == DEFAULT:
                limit = UNLIMITED if default is None else default.limits[metric]
            if limit != UNLIMITED and single(quota.used[metric] + use.amounts[metric]) > single(limit):
                return f"limit of {limit:g} reached for {metric} quota in {use.element}{self._place(use)}"
        return ""

    def _place(self, use: Use) -> str:
        key = use.key
        if use.element == "VM" and key:
            key = next(keys for keys in self.cluster_sets() if key in keys.split(","))
        return f" with ID: {key}" if key else ""

    def _count(self, use: Use, sign: int) -> None:
        quota = self.of(use.element, use.key)
        if quota is None:
            if sign < 0 or (use.element == "VM" and use.key):
                return
            quota = self._quotas[use.element][use.key] = Quota(METRICS[use.element], self.unset)
        quota.count(use.amounts, sign)
        if quota.is_void():
            self._quotas[use.element] = {
                key: other for key, other in self._quotas[use.element].items() if other is not quota
            }

    # -------------------------------------------------------- XML

    def xml(self, release: Release = LATEST) -> str:
        return "".join(
            [f"<{section}>{self._section(element, release)}</{section}>" for element, section in SECTION_OF.items()]
        )

    def _section(self, element: str, release: Release) -> str:
        name, section = KEY.get(element, "ID"), SECTION_OF[element]
        shown = [quota.vector(name, key, section, release) for key, quota in self._quotas[element].items()]
        return "".join([attribute(element, vector) for vector in shown])


# ---------------------------------------------------------------- the limits of a template


def limits_in(
    template: Template, clusters: Container[int] | None, holder: dict[str, str], unset: float = DEFAULT
) -> list[Limit]:
    """The limits in VM=[VMS="5"] DATASTORE=[ID="1",SIZE="-1"]. Raises Refused ACTION.

    `clusters` are those that there are; None: VMs are limited anywhere only, whatever CLUSTER_IDS says.
    `holder` is what the server adds to the quotas of VMs: UID or GID.
    """
    found = []
    for element in ("DATASTORE", "NETWORK", "IMAGE", "VM"):
        for vector in template.vectors(element):
            given = {**vector, **holder} if element == "VM" else vector
            found.append(Limit(element, key_in(element, given, clusters), numbers_in(element, given, unset)))
    return found


def key_in(element: str, vector: Vector, clusters: Container[int] | None) -> str:
    if element == "VM":
        if clusters is None:
            return ""
        wanted = sorted({int(part) for part in vector.get("CLUSTER_IDS", "").split(",") if part.strip().isdigit()})
        for number in wanted:
            if number not in clusters:
                raise wrong_action(f"Cluster {number} does not exist")
        return ",".join(map(str, wanted))
    if not vector.get("ID", "").removeprefix("-").isdigit():
        raise bad_limits(element, vector)
    return vector["ID"]


def numbers_in(element: str, vector: Vector, unset: float) -> dict[str, float]:
    found = {}
    for metric in METRICS[element]:
        if not vector.get(metric):
            continue
        try:
            number = float(vector[metric])
        except ValueError:
            continue  # to the server a word is no limit
        if number < 0 and number not in (UNLIMITED, unset):
            raise bad_limits(element, vector)
        found[metric] = number
    return found


def bad_limits(element: str, vector: Vector) -> Refused:
    given = ",".join([f"{name}={vector[name]}" for name in sorted(vector)])
    return wrong_action(f"Negative limits or bad format in quota {element} = [ {given} ]")


# ---------------------------------------------------------------- owners of what is used

UNCOUNTED = (0, -1)  # oneadmin and its group; -1 stands for an owner who does not change


def holders(cloud: Any, uid: int, gid: int) -> list[tuple[str, Any]]:
    return [
        (kind, cloud[kind].get(oid))
        for kind, oid in (("USER", uid), ("GROUP", gid))
        if oid not in UNCOUNTED and oid in cloud[kind]
    ]


def count(cloud: Any, uid: int, gid: int, uses: list[Use]) -> str:
    """Counts what a user and his group use; or nothing, and tells whose limit forbids it."""
    counted: list[Quotas] = []
    for kind, holder in holders(cloud, uid, gid):
        why = holder.quotas.charge(uses, cloud.default_quotas[kind])
        if why:
            for quotas in counted:
                quotas.refund(uses)
            return f"{kind.lower()} [{holder.oid}] {why}"
        counted.append(holder.quotas)
    return ""


def charge(call: Call, uses: list[Use], uid: int | None = None, gid: int | None = None) -> None:
    """Counts what the caller, or another user and group, begin to use. Raises Refused AUTHORIZATION."""
    why = count(call.cloud, call.uid if uid is None else uid, call.gid if gid is None else gid, uses)
    if why:
        raise call.unauthorized(why)


def refund(cloud: Any, uid: int, gid: int, uses: list[Use]) -> None:
    """What a user and a group used is free again."""
    for dummy, holder in holders(cloud, uid, gid):
        holder.quotas.refund(uses)
