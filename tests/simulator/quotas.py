# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Quotas of users and groups: limits, usage, and the check before something is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .errors import wrong_action
from .template import Template, Vector, attribute

DEFAULT, UNLIMITED = -1.0, -2.0

# Section of the XML -> the element in it and its metrics.
SECTIONS: dict[str, tuple[str, list[str]]] = {
    "DATASTORE_QUOTA": ("DATASTORE", ["IMAGES", "SIZE"]),
    "NETWORK_QUOTA": ("NETWORK", ["LEASES"]),
    "VM_QUOTA": (
        "VM",
        "VMS RUNNING_VMS MEMORY RUNNING_MEMORY CPU RUNNING_CPU SYSTEM_DISK_SIZE"
        " PCI_DEV PCI_NIC RUNNING_PCI_DEV RUNNING_PCI_NIC".split(),
    ),
    "IMAGE_QUOTA": ("IMAGE", ["RVMS"]),
}
SECTION_OF = {element: section for section, (element, dummy) in SECTIONS.items()}
METRICS = dict(SECTIONS.values())


class Quota:
    """Limit and usage of each metric of one element, e.g. of datastore 1."""

    def __init__(self, metrics: Iterable[str]) -> None:
        self.limits = dict.fromkeys(metrics, DEFAULT)
        self.used = dict.fromkeys(metrics, 0.0)

    def is_void(self) -> bool:
        return not any(self.used.values()) and all(limit == DEFAULT for limit in self.limits.values())

    def vector(self, oid: str, with_usage: bool) -> Vector:
        members = {metric: shown(metric, limit) for metric, limit in self.limits.items()}
        if with_usage:
            members.update({f"{metric}_USED": shown(metric, used) for metric, used in self.used.items()})
        return dict(members, ID=oid) if oid else members


def shown(metric: str, number: float) -> str:
    """CPU with two decimals, -1 and -2 and all else whole."""
    return f"{number:.2f}" if "CPU" in metric and number not in (DEFAULT, UNLIMITED) else f"{number:.0f}"


class Quotas:
    """All quotas of a user, a group, or the defaults (which count no usage)."""

    def __init__(self, with_usage: bool = True) -> None:
        self.with_usage = with_usage
        self._quotas: dict[str, dict[str, Quota]] = {element: {} for element in METRICS}

    def set(self, template: Template) -> None:
        """Limits from a template such as VM=[VMS="5"] DATASTORE=[ID="1",SIZE="-1"]. Raises Refused ACTION."""
        for element, metrics in METRICS.items():
            for vector in template.vectors(element):
                self._set(element, metrics, vector)

    def _set(self, element: str, metrics: list[str], vector: Vector) -> None:
        oid = vector.get("ID", "") if element != "VM" else ""
        if element != "VM" and not (oid.isdigit() or oid == "-1"):
            raise wrong_action(f"Quota template error. Wrong or missing ID in {element}")
        quota = self.of(element, oid)
        for metric in metrics:
            if metric in vector:
                try:
                    quota.limits[metric] = max(float(vector[metric]), UNLIMITED)
                except ValueError:
                    raise wrong_action(f"Wrong value for {metric} in {element} quota") from None
        self._tidy(element, oid)

    def of(self, element: str, oid: str = "") -> Quota:
        return self._quotas[element].setdefault(oid, Quota(METRICS[element]))

    def _tidy(self, element: str, oid: str) -> None:
        if self.of(element, oid).is_void():
            del self._quotas[element][oid]

    def limit(self, element: str, oid: str, metric: str) -> float:
        quota = self._quotas[element].get(oid)
        return DEFAULT if quota is None else quota.limits[metric]

    def exceeded(self, element: str, oid: str, amounts: Mapping[str, float], defaults: Quotas) -> str:
        """Why these amounts (metric -> number) cannot be used on top; empty when they can."""
        quota = self._quotas[element].get(oid) or Quota(METRICS[element])
        for metric, amount in amounts.items():
            limit = quota.limits[metric]
            limit = defaults.limit(element, oid, metric) if limit == DEFAULT else limit
            if limit >= 0 and amount > 0 and quota.used[metric] + amount > limit:
                where = f" with ID: {oid}" if oid else ""
                return f"limit of {shown(metric, limit)} reached for {metric} quota in {element}{where}."
        return ""

    def use(self, element: str, oid: str, amounts: Mapping[str, float]) -> None:
        """Counts usage; negative amounts give back."""
        quota = self.of(element, oid)
        for metric, amount in amounts.items():
            quota.used[metric] = max(0.0, round(quota.used[metric] + amount, 6))
        self._tidy(element, oid)

    def xml(self) -> str:
        return "".join([f"<{section}>{self._section(element)}</{section}>" for element, section in SECTION_OF.items()])

    def _section(self, element: str) -> str:
        quotas = sorted(self._quotas[element].items(), key=lambda item: (len(item[0]), item[0]))
        return "".join([attribute(element, quota.vector(oid, self.with_usage)) for oid, quota in quotas])
