# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""How VMs are created: from a VM template or from scratch, with all that is wanted of them from the start."""

from __future__ import annotations

import re
from functools import partial
from typing import Any, NamedTuple

from .._attributes.labels import merged_labels
from .._core import quota_refusals
from .._core.failure import Failure, unclear
from .._core.numbers import is_whole
from .._core.values import canonical, first_text, first_vector, labels_of, merged_template, vectors
from .._core.vm_refusals import overwritten_context
from .._engine.engine import HEIRS, resolve
from ..pyone import OneException
from ..pyone.constants import DATASTORE_TYPES
from . import context, user_inputs
from .devices import DEVICES, DISK, for_new_vm
from .record import KIND


class Source(NamedTuple):
    """What counts at creation only.

    Args:
        template (str | None): name or id of a VM template; None: from scratch.
        extra (dict | None): more attributes of the new VM's template.
        datastore (str | None): name or id of the system datastore.
        hold (bool): create it in state held.
        persistent (bool): with private copies of the images.
        inputs (dict | None): for the user inputs of the VM template.
    """

    template: Any = None
    extra: Any = None
    datastore: Any = None
    hold: bool = False
    persistent: bool = False
    inputs: Any = None


class Creation(NamedTuple):
    """The request that creates a VM, but for its name.

    Args:
        source (Source)
        template: of one.templatepool.info; None: from scratch.
        body (dict): the attributes that the task gives.
        body_for (callable): (VM template in canonical form) -> the body for it.
    """

    source: Source
    template: Any
    body: dict
    body_for: Any


def prepare(cloud, source, wanted, modes, name, number=1):
    """The Creation of VMs with what is wanted, in canonical form.

    Args:
        name (str): of the first, for messages.
        number (int): how many VMs more than now there will be; 0: quotas cannot forbid them.

    Raises:
        Failure: they cannot be created.
    """
    if source.template is None and not {"cpu", "memory"} <= set(wanted.get("capacity", ())):
        message = "There is no VM %s; to create it, give: template, or cpu and memory."
        raise Failure(message % name if name else message.replace(" %s", ""), object=KIND, name=name)
    template = cloud.reference("template", source.template) if source.template is not None else None
    base = _base(source, template, wanted)
    datastore = _system_datastore(cloud, source.datastore) if source.datastore is not None else None
    inputs = source.inputs if template is not None or source.template is None else None  # a check run may lack it yet
    body_for = partial(_body, source._replace(datastore=datastore, inputs=inputs), wanted, modes)
    found = Creation(source, template, resolve(cloud, body_for(base)), body_for)
    yet_to_come = template is None and source.template is not None
    doing, (method, *arguments) = _doing(found, name), _call(found, name, found.body)
    (cloud.check_values if yet_to_come else cloud.check)(doing, method, *arguments)
    if number:
        heirs = {kind: wanted[option] for option, kind in HEIRS.items() if option in wanted}
        doing = doing if number == 1 else _doing_many(found, number)
        quota_refusals.refuse(cloud, [quota_refusals.Call(doing, method, tuple(arguments), number)], heirs)
    return found


def _system_datastore(cloud, given):
    """The id of the datastore for new VMs; its name, if it does not exist in a check run.

    Raises:
        Failure: no VM can be there.
    """
    item = cloud.reference("datastore", given)
    if item is not None and item.TYPE != DATASTORE_TYPES.SYSTEM:
        raise Failure("The option datastore takes a system datastore, and %s is none." % item.NAME, object=KIND)
    return given if item is None else item.ID


def _base(source, template, wanted):
    """The attributes of the VM template; of one that a check run does not find yet the disks that the task names."""
    if template is not None:
        return canonical(template.TEMPLATE or {})
    numbers = [int(disk[DISK.number]) for disk in wanted.get(DISK.option, ()) if DISK.number in disk]
    return {} if source.template is None else {DISK.vector: [{}] * (max(numbers, default=-1) + 1)}


def shown(source, wanted):
    """What is wanted of a new VM, as a diff shows it."""
    found = {option: value for option, value in wanted.items() if option != "capacity"}
    found.update(wanted.get("capacity", {}))
    return dict(found, template=source.template) if source.template is not None else found


# ---------------------------------------------------------------- the body of the request


def _body(source, wanted, modes, base):
    """The attributes of a new VM; `base`: those of its template."""
    body = merged_template({}, canonical(source.extra or {}))
    body.update((option.upper(), str(value)) for option, value in wanted.get("capacity", {}).items())
    for device in DEVICES:
        if device.option in wanted:
            body[device.vector] = _devices(device, wanted, base)
    for name, members in wanted.get("updateconf", {}).items():
        body[name] = merged_template(_section(base, name, members), members)
    if wanted.get("vm_group"):
        body["VMGROUP"] = {"VMGROUP_ID": str(wanted["vm_group"]["group"]), "ROLE": wanted["vm_group"]["role"]}
    if source.datastore is not None:
        body["SCHED_DS_REQUIREMENTS"] = 'ID="%s"' % source.datastore
    body.update(wanted.get("attributes", {}))
    if "labels" in wanted:
        body["LABELS"] = ",".join(merged_labels(labels_of(base), wanted["labels"], modes))
    body.update(user_inputs.attributes(base, source.inputs or {}, {**base, **body}))
    _require_context(source, body.get("CONTEXT", _section(base, "CONTEXT", {})))
    why = overwritten_context({**base, **body}, wanted.get("updateconf", {}).get("CONTEXT", {}))
    if why:
        raise Failure("%s." % why, object=KIND)
    return body


def _section(base, name, members):
    """The first vector of a section of a VM template, without the start script where the task gives another one."""
    scripts = {context.SCRIPT, context.ENCODED}
    dropped = scripts if scripts & set(members) else ()
    return {member: text for member, text in first_vector(base, name).items() if member not in dropped}


def _require_context(source, found):
    if isinstance(found, dict):
        context.require_variables(
            found, "this task or VM template %s" % source.template if source.template else "this task"
        )


def _devices(device, wanted, base):
    """Disks are added to those of the template; NICs replace them, as with one.template.instantiate."""
    given = vectors(base, device.vector) if device is DISK else []
    numbered = [one for one in wanted[device.option] if device.number in one]
    if any(int(one[device.number]) >= len(given) for one in numbered):
        message = "The VM template has %d %ss, but the task names %s %s."
        raise Failure(message % (len(given), device.word, device.word, numbered[-1][device.number]), object=KIND)
    return for_new_vm(device, given, wanted[device.option])


# ---------------------------------------------------------------- the request


def create_vm(cloud, creation, name, attributes):
    """The id of a new VM; None: the answer was lost, and only the pool tells whether it was created.

    Args:
        cloud (Cloud)
        creation (Creation)
        name (str): empty: OpenNebula gives one.
        attributes (dict): more attributes of its user template.

    Raises:
        Failure: OpenNebula refuses.
    """
    try:
        return cloud.answer(*_call(creation, name, dict(creation.body, **attributes)))
    except OneException as error:
        again = _with_copies_that_are_left(cloud, creation, name, error)
        if again is not None:
            return create_vm(cloud, again, name, attributes)
        if unclear(error):
            return None
        raise cloud.described(error, _doing(creation, name), object=KIND, name=name) from None


def _doing(creation, name):
    return "create VM %s %s" % (name, _origin(creation))


def _doing_many(creation, number):
    return "create %d VMs %s" % (number, _origin(creation))


def _origin(creation):
    return "from scratch" if creation.template is None else "from template %s" % creation.template.NAME


def _call(creation, name, body):
    """(method, arguments…) that creates a VM."""
    source, template = creation.source, creation.template
    if template is None:
        return "vm.allocate", dict(body, NAME=name) if name else body, source.hold
    return "template.instantiate", template.ID, name, source.hold, body, source.persistent


# ---------------------------------------------------------------- private copies

TAKEN = re.compile(r"NAME is already taken by TEMPLATE (\d+)")


def _with_copies_that_are_left(cloud, creation, name, error):
    """The Creation from the private copies that a former VM of the name has left; None: there are none."""
    taken = TAKEN.search(error.message) if creation.source.persistent else None
    template = cloud.info("template", int(taken.group(1))) if taken is not None else None
    if template is None or name != template.NAME or not is_private(cloud, template):
        return None
    body = resolve(cloud, creation.body_for(canonical(template.TEMPLATE or {})))
    return creation._replace(source=creation.source._replace(persistent=False), template=template, body=body)


def is_private(cloud, template):
    """Whether a VM template was made with a VM (persistent), as its images tell: all persistent, and named after it."""
    images = _images(cloud, template)
    name = re.compile(re.escape(template.NAME) + r"-disk-\d+\Z")
    return bool(images) and all(one is not None and one.PERSISTENT and name.match(one.NAME) for one in images)


def _images(cloud, template):
    ids = [disk.get("IMAGE_ID", "") for disk in vectors(canonical(template.TEMPLATE or {}), "DISK")]
    return [cloud.info("image", int(number)) for number in ids if is_whole(number)]


def remove_private(cloud, item):
    """Removes the VM template that was made with a VM, and its images; a VM without one is left alone.

    Args:
        item: the VM, which is DONE (of one.vm.info).
    """
    number = first_text(item.TEMPLATE, "TEMPLATE_ID")
    template = cloud.info("template", int(number)) if is_whole(number) else None
    if template is not None and is_private(cloud, template):
        cloud.refuse_kept("image", _images(cloud, template))
        what = "remove the private copies of VM %s" % item.NAME
        cloud.call(what, "template.delete", template.ID, True, object="template", id=template.ID)
