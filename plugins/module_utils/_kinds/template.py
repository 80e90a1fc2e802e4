# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a VM template is."""

from __future__ import annotations

from functools import partial

from .._attributes import access, common, relations
from .._core.cloud import ALL
from .._core.failure import Failure
from .._engine.engine import Resource

KIND = "template"
# Whose templates one.templatepool.info lists, in the words of community.general.
FILTERS = {"user_primary_group": -4, "user": -3, "all": -2, "user_groups": -1}


def read(cloud, item):
    """The record of a VM template (one.template.info or a VMTEMPLATE of one.templatepool.info)."""
    return dict(
        access.owned(item),
        **access.locked(item),
        **common.content(item),
    )


def create(cloud, name, wanted):
    body = dict(wanted.get("template", {}), NAME=name)
    return cloud.call("create VM template %s" % name, "template.allocate", body, object=KIND, name=name)


def remove(cloud, record, recursive=False):
    if recursive:
        refuse_busy_images(cloud, record)
    doing = "remove VM template %s" % record["name"]
    cloud.call(doing, "template.delete", record["id"], recursive, object=KIND, id=record["id"])


def refuse_busy_images(cloud, record):
    """Raises Failure when images of a VM template are in use or locked: OpenNebula would leave them without a word."""
    found = images_of(cloud, record)
    busy = [image for image in found if image.RUNNING_VMS or image.CLONING_OPS or image.LOCK is not None]
    if busy:
        names = ", ".join("%s (id %d)" % (image.NAME, image.ID) for image in busy)
        message = "Images of VM template %s are in use or locked: %s. Free them first, or leave recursive out."
        raise Failure(message % (record["name"], names), object=KIND, id=record["id"])


def images_of(cloud, record):
    """The images that the disks of a VM template name, where it is clear which."""
    disks = record["template"].get("DISK", [])
    disks = [disk for disk in (disks if isinstance(disks, list) else [disks]) if {"IMAGE", "IMAGE_ID"} & set(disk)]
    found = [[image for image in cloud.pool("image") if names_image(disk, image)] for disk in disks]
    return [images[0] for images in found if len(images) == 1]


def names_image(disk, image):
    if "IMAGE_ID" in disk:
        return disk["IMAGE_ID"] == str(image.ID)
    return (disk["IMAGE"], disk.get("IMAGE_UNAME", image.UNAME)) == (image.NAME, image.UNAME)


def resource(replace=False, labels="exact", among="all", recursive=False):
    """The Resource.

    Args:
        replace (bool): template_mode replace.
        labels (str): labels_mode.
        among (str): key of FILTERS.
        recursive (bool): a clone has copies of the images; they are removed with the template.
    """
    attributes = access.attributes(KIND, {"clone_of": relations.origin(relations.oid(KIND))}, replace, labels)
    attributes.update(access.lock(KIND))
    return Resource(
        KIND,
        read,
        relations.copied(KIND, create, recursive),
        attributes,
        partial(remove, recursive=recursive),
        part=(FILTERS[among],) + ALL[1:],
    )
