# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""How a VM is created: from a template or from scratch, with all that is wanted of it from the start."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._attributes import common
from .._core.failure import Failure, described
from .._core.values import canonical, merged_template
from ..pyone import OneConnectionException, OneException, OneProtocolException
from . import devices as vm_devices
from . import resource as vm


class Origin(NamedTuple):
    """What counts at creation only.

    Args:
        template (str | None): name or id of a VM template; None: from scratch.
        extra (dict | None): more attributes of the new VM's template.
        datastore (str | None): name or id of the system datastore.
        hold (bool): to be born held.
        persistent (bool): with private copies of the images.
    """

    template: Any = None
    extra: Any = None
    datastore: Any = None
    hold: bool = False
    persistent: bool = False


class Birth:
    """How each new VM of a task is created.

    Args:
        cloud (Cloud)
        origin (Origin)
        wanted (dict): option → value, canonical.
        merge_labels (callable): (labels of the template, wanted ones) -> those of the VM.
    """

    def __init__(self, cloud, origin, wanted, merge_labels):
        self._cloud = cloud
        self._origin = origin
        self._wanted = wanted
        self._merge_labels = merge_labels
        self._template: Any = None
        self._body: Any = None

    def require(self, name):
        """Refuses, also in a check run, what could not be created; finds the template."""
        if self._origin.template is None and not {"cpu", "memory"} <= set(self._wanted.get("capacity", ())):
            message = "There is no VM %s; to create it, give: template, or cpu and memory."
            raise Failure(message % name if name else message.replace(" %s", ""), object=vm.KIND, name=name)
        if self._body is None:
            if self._origin.template is not None:
                self._template = self._cloud.reference("template", self._origin.template)
            self._body = self._composed()

    def shown(self):
        """What is wanted of a new VM, as a diff shows it."""
        found = {option: value for option, value in self._wanted.items() if option != "capacity"}
        found.update(self._wanted.get("capacity", {}))
        return dict(found, template=self._origin.template) if self._origin.template is not None else found

    def _composed(self):
        base = canonical(self._template.TEMPLATE or {}) if self._template is not None else {}
        body = merged_template({}, canonical(self._origin.extra or {}))
        body.update((option.upper(), str(value)) for option, value in self._wanted.get("capacity", {}).items())
        for device in vm.DEVICES:
            if device.option in self._wanted:
                body[device.vector] = self._devices(device, base)
        for name, members in self._wanted.get("updateconf", {}).items():
            body[name] = merged_template(_one(base.get(name)), members)
        if self._wanted.get("vm_group"):
            group = self._wanted["vm_group"]
            body["VMGROUP"] = {"VMGROUP_ID": str(group["group"]), "ROLE": group["role"]}
        if self._origin.datastore is not None:
            item = self._cloud.reference("datastore", self._origin.datastore)
            body["SCHED_DS_REQUIREMENTS"] = 'ID="%s"' % (self._origin.datastore if item is None else item.ID)
        body.update(self._wanted.get("attributes", {}))
        if "labels" in self._wanted:
            present = common.split_labels(base.get("LABELS"))
            body["LABELS"] = ",".join(self._merge_labels(present, self._wanted["labels"]))
        return body

    def _devices(self, device, base):
        """Disks come on top of the template's; NICs take their place, as with one.template.instantiate."""
        given = base.get(device.vector, []) if device is vm_devices.DISK else []
        sized = [one for one in self._wanted[device.option] if device.number in one]
        if any(int(one[device.number]) >= len(given) for one in sized):
            message = "The VM template has %d %ss, but the task speaks of %s %s."
            raise Failure(message % (len(given), device.word, device.word, sized[-1][device.number]), object=vm.KIND)
        return vm_devices.at_birth(self._cloud, device, given, self._wanted[device.option])

    def ask(self, name, mark):
        """The id of the new VM; None: the answer was lost, and only a look tells whether it was made.

        Raises:
            Failure: OpenNebula refuses.
        """
        try:
            return self._asked(name, dict(self._body, **mark))
        except OneException as error:
            lost = isinstance(error, OneProtocolException) and error.code is None
            if lost or (isinstance(error, OneConnectionException) and error.sent):
                return None
            source = "from template %s" % self._template.NAME if self._template is not None else "from scratch"
            raise described(error, "create VM %s %s" % (name, source), object=vm.KIND, name=name) from None

    def _asked(self, name, body):
        if self._template is None:
            return self._cloud.one.call("vm.allocate", dict(body, NAME=name) if name else body, self._origin.hold)
        number = self._template.ID
        return self._cloud.one.call(
            "template.instantiate", number, name, self._origin.hold, body, self._origin.persistent
        )


def _one(value):
    """The first vector of a section of a VM template."""
    return (value[0] if isinstance(value, list) else value) or {}
