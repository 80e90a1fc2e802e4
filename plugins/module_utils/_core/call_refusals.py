# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What OpenNebula refuses of a call of any method, as far as a check run can know it (one_call).

The arguments fit the method already; see pyone/signature.py.
"""

from __future__ import annotations

from difflib import get_close_matches

from ..pyone import OneException, template
from ..pyone.constants import VM_ACTIONS
from ..pyone.methods import METHODS
from ..pyone.signature import REQUIRED, parameters
from . import names, refusals
from .cloud import BY_PREFIX, label
from .failure import Failure, described, did_you_mean
from .releases import NEWEST, SINCE, TESTED, later, number

# Arguments that are ids of other objects → their kind. A negative id means none, or the one that there is.
REFERENCES = {
    "cluster_id": "cluster",
    "ds_id": "datastore",
    "group_id": "group",
    "hid": "host",
    "host_id": "host",
    "image_id": "image",
    "market_id": "marketplace",
    "new_gid": "group",
    "sg_id": "security_group",
    "template_id": "template",
    "user_id": "user",
    "vmg_id": "vm_group",
    "vnet_id": "vnet",
}
# Arguments of one method, or of all that have them, that take a few values only.
CHOICES = {
    "action_name": VM_ACTIONS,
    "append": range(2),
    "host.status status": range(3),
    "level": range(1, 5),
    "vm.recover operation": range(6),
    "vn.recover operation": range(4),
    **{
        "%s_%s" % (who, right): range(-1, 2)
        for who in ("user", "group", "other")
        for right in ("use", "manage", "admin")
    },
}
IGNORED = ("cluster.delhost oid",)  # an id that does not count: OpenNebula asks the host for its cluster
ANY_NAME = ("document.clone", "document.rename", "host.rename")  # take what modules do not give
NAMING = ("allocate", "clone", "rename")  # verbs of methods whose argument `name` is that of an object


def meant(method):
    """The question after the methods that the name of an unknown one may stand for."""
    near = [] if method in METHODS else get_close_matches(method, METHODS)
    return " Did you mean %s?" % " or ".join("one." + name for name in near) if near else ""


def foresee(cloud, method, arguments):
    """Raises Failure where a check run can know that the server refuses a call.

    Args:
        cloud (Cloud)
        method (str): without ``one.``
        arguments (list): in the order of the API, templates as text.
    """
    doing = "call one.%s" % method
    if method not in METHODS:
        _require_other_release(cloud, doing, method)
        return
    if later(SINCE.get(method, TESTED)):
        cloud.require(SINCE[method], doing)
    for parameter, value in zip(parameters(method), arguments):
        _require_value(doing, method, parameter, value)
        _require_object(cloud, doing, method, parameter.name, value)
    _refuse(cloud, doing, method, arguments)


def _require_other_release(cloud, doing, method):
    """Raises Failure for a method that no release has; newer ones than are known may have it."""
    release = number(cloud.call("ask for the release of OpenNebula", "system.version"))
    if number(TESTED) <= release[:2] <= number(NEWEST):
        words = "Cannot %s: Method 'one.%s' not defined. This release of OpenNebula does not have it.%s"
        raise Failure(words % (doing, method, meant(method)), method="one." + method)


def _require_value(doing, method, parameter, value):
    choices = CHOICES.get("%s %s" % (method, parameter.name), CHOICES.get(parameter.name, (value,)))
    words = [str(choice).lower() for choice in choices]
    if str(value).lower() not in words:
        texts = doing, parameter.name, ", ".join(map(str, choices)), value, did_you_mean(str(value), words)
        raise Failure("Cannot %s: the argument %s is one of %s, not %r.%s" % texts, method="one." + method)
    prefix, dummy, verb = method.rpartition(".")
    if parameter.name == "name" and verb in NAMING and prefix in BY_PREFIX and method not in ANY_NAME:
        names.valid(BY_PREFIX[prefix], label(BY_PREFIX[prefix]), value)
    if parameter.kind == "t":
        _require_template(doing, parameter.name, value)


def _require_template(doing, name, text):
    try:
        template.read(text)
    except OneException as error:
        raise described(error, "%s with this %s" % (doing, name)) from None


def _require_object(cloud, doing, method, name, oid):
    """Raises Failure when an argument is the id of nothing; members of a VDC may be of another zone."""
    prefix = method.rpartition(".")[0]
    own = BY_PREFIX.get(prefix) if prefix + ".info" in METHODS and method + " oid" not in IGNORED else None
    kind = own if name == "oid" else REFERENCES.get(name) if prefix != "vdc" else None
    if kind is not None and (oid >= 0 or name == "oid") and _is_missing(cloud, kind, oid):
        raise Failure("Cannot %s: there is no %s with id %d." % (doing, label(kind), oid), object=kind, id=oid)


def _is_missing(cloud, kind, oid):
    try:
        return cloud.info(kind, oid) is None
    except Failure:  # the user may not read it, and may change it
        return False


def _refuse(cloud, doing, method, arguments):
    """Raises Failure where a rule forbids a call; those about templates want more than a text."""
    known = parameters(method)
    given = [*arguments, *(one.default for one in known[len(arguments) :])]
    if REQUIRED not in given and not any(one.kind == "t" for one in known):
        refusals.refuse(cloud, doing, BY_PREFIX.get(method.rpartition(".")[0]), method, given)
