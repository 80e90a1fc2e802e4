# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""VM templates."""

from __future__ import annotations

from .._attributes import access, schedules
from .._attributes import template as templates
from .._attributes.capacity import declared_vm
from .._attributes.relations import clone_of, create_or_clone
from .._attributes.template import content
from .._core.cloud import ALL
from .._core.failure import Failure
from .._core.values import vectors
from .._core.vm_refusals import raw_refused
from .._engine.resource import Resource, Step, deletion

KIND = "template"
# Whose templates one.templatepool.info lists, in the words of community.general.
FILTERS = {"user_primary_group": -4, "user": -3, "all": -2, "user_groups": -1}


def read(cloud, item):
    """The record of a VM template (one.template.info or a VMTEMPLATE of one.templatepool.info)."""
    return {**access.owned(item), **access.locked(item), **content(item)}


def create(name, wanted, modes):
    body = templates.new(name, wanted, modes)
    return Step("create VM template %s" % name, "template.allocate", (body,))


def needed(wanted):
    return (("template", "clone_of"),)


def clone_arguments(wanted, modes):
    """Whether one.template.clone copies the images too."""
    return (modes.recursive,)


# ---------------------------------------------------------------- removal, also of the images


def remove(cloud, record, wanted, modes):
    """With the mode `recursive` the images are removed too."""
    if modes.recursive:
        refuse_busy_images(cloud, record)
        cloud.refuse_kept("image", images_of(cloud, record["template"]))
    return [deletion(KIND, record, modes.recursive)]


def refuse_busy_images(cloud, record):
    """Raises Failure when images of a VM template are in use or locked: OpenNebula would keep them and not say so."""
    found = images_of(cloud, record["template"])
    busy = [image for image in found if image.RUNNING_VMS or image.CLONING_OPS or image.LOCK is not None]
    if busy:
        names = ", ".join("%s (id %d)" % (image.NAME, image.ID) for image in busy)
        message = "Images of VM template %s are in use or locked: %s. Free them first, or leave recursive out."
        raise Failure(message % (record["name"], names), object=KIND, id=record["id"])


def images_of(cloud, template):
    """The images that the disks of a canonical template name, where it is clear which."""
    disks = [disk for disk in vectors(template, "DISK") if {"IMAGE", "IMAGE_ID"} & set(disk)]
    found = [[image for image in cloud.pool("image") if names_image(disk, image)] for disk in disks]
    return [images[0] for images in found if len(images) == 1]


def names_image(disk, image):
    if "IMAGE_ID" in disk:
        return disk["IMAGE_ID"] == str(image.ID)
    return (disk["IMAGE"], disk.get("IMAGE_UNAME", image.UNAME)) == (image.NAME, image.UNAME)


def canonical_template(cloud, given):
    """The option template in numbers; its scheduled actions and RAW section OpenNebula looks at when it is stored.

    Raises:
        Failure: it would refuse one.
    """
    found = declared_vm("template", given)
    why = raw_refused(found) or next(filter(None, map(schedules.refused, vectors(found, "SCHED_ACTION"))), None)
    if why:
        raise Failure("The option template: %s." % why.rstrip("."), object=KIND)
    return found


TEMPLATE = Resource(
    kind=KIND,
    read=read,
    create=create_or_clone(KIND, create, clone_arguments),
    remove=remove,
    needed=needed,
    attributes={
        **access.attributes(KIND, {"clone_of": clone_of(KIND)}, canonical=canonical_template),
        **access.lock(KIND),
    },
)


def among(number):
    """The Resource of VM templates where names mean those that one.templatepool.info lists for a number of FILTERS."""
    arguments = (number,) + ALL[1:]
    attributes = dict(TEMPLATE.attributes, clone_of=clone_of(KIND, arguments))
    return TEMPLATE._replace(pool_arguments=arguments, attributes=attributes)


TEMPLATES = {option: among(number) for option, number in FILTERS.items()}  # by the option filter
