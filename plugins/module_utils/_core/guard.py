# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What no task removes or replaces: objects with the label that protects, and locked ones.

Cloud asks before each call, and plans ask too, so that a check run says what the run would say, and nothing is begun
that cannot be ended.
"""

from __future__ import annotations

from .failure import Failure, listed
from .values import canonical, labels_of

LABEL = "protected"
USE = 1  # the level that blocks all
LOCKS = {USE: "use", 2: "manage", 3: "admin"}  # LOCKED of an object → the option lock
BLOCKING = frozenset((1, 2))  # those with which OpenNebula removes nothing; removing is to manage
RECOVERIES = frozenset((3, 4, 5))  # of one.vm.recover: delete, recreate, delete_db


ADVICE = {
    "has": 'Take the label away first, or give protected_label: "" to do it all the same',
    "is": "Unlock it first (%s)",
}
UNLOCKS = "lock: none"
UNLOCKS_DOCUMENT = "method: document.unlock of one_call"
DOCUMENTS = ("service", "service template")  # whose modules have no option lock


def _terminates(arguments):
    return str(arguments[0]).startswith("terminate")


def _deletes(arguments):
    return len(arguments) > 1 and bool(arguments[1])


def _replaces(arguments):
    return arguments[1] in RECOVERIES


def _always(arguments):
    return True


# Methods beside one.*.delete that remove an object, or put something else in its place → (place of its id among the
# arguments, whether a call does so by its arguments).
OTHERS = {
    "flow.service.recover": (0, _deletes),
    "vm.action": (1, _terminates),
    "vm.disksnapshotrevert": (0, _always),
    "vm.recover": (0, _replaces),
    "vm.restore": (0, _always),
    "vm.snapshotrevert": (0, _always),
}


# Methods of OneFlow that end VMs → by their arguments: (the role whose VMs they are, None for all; how many stay).
ENDING: dict = {
    "flow.service.delete": lambda *rest: (None, 0),
    "flow.service.recover": lambda delete=False, *rest: (None, 0 if delete else None),
    "flow.service.remove_role": lambda role=None, *rest: (role, 0),
    "flow.service.scale": lambda role=None, number=0, *rest: (role, number if isinstance(number, int) else 0),
    "flow.service.role_action": lambda role=None, action="", *rest: (role, 0 if _terminates((action,)) else None),
}


def ended_vms(name, arguments, roles):
    """The ids of the VMs that a method of OneFlow ends, or may end: which ones of a role go is not said before.

    Args:
        name (str): of the method.
        arguments (tuple)
        roles (list[dict]): of the service, as OneFlow has them.
    """
    if name not in ENDING:
        return []
    role, stay = ENDING[name](*arguments[1:])
    nodes = [one.get("nodes") or [] for one in roles if role is None or one.get("name") == role]
    ended = [those for those in nodes if stay is not None and len(those) > stay]
    return [node["deploy_id"] for those in ended for node in those if node.get("deploy_id") is not None]


def target(name, arguments):
    """(prefix of the methods of its kind, id) of the object that a call removes or replaces; None: it does not."""
    prefix, dummy, verb = name.rpartition(".")
    place, does = (0, _always) if verb == "delete" else OTHERS.get(name, (0, None))
    if does is None or len(arguments) <= place or not isinstance(arguments[place], int) or not does(arguments):
        return None
    return prefix, arguments[place]


def forbids(item, protected):
    """Why an object is neither removed nor replaced, as the end of a sentence; None: nothing forbids it.

    Args:
        item: of the API.
        protected (str): the label that protects; empty: there is none.
    """
    label = protected.strip().lower()
    if label and label in (one.lower() for one in labels_in(item)):
        return "has the label %s" % protected
    lock = getattr(getattr(item, "LOCK", None), "LOCKED", None)
    return "is locked (%s)" % LOCKS[lock] if lock in BLOCKING else None


def labels_in(item):
    """The labels of an object of the API."""
    if hasattr(type(item), "labels"):  # of OneFlow, which keeps them elsewhere
        return item.labels
    template = getattr(item, "USER_TEMPLATE", None) or getattr(item, "TEMPLATE", None)
    return labels_of(canonical(template)) if template else []


def refuse(label, items, protected):
    """Raises Failure when objects must not be removed or replaced.

    Args:
        label (str): what messages call their kind.
        items (list): of the API.
        protected (str): as of forbids().
    """
    found = [(item, forbids(item, protected)) for item in items]
    found = [(item, why) for item, why in found if why is not None]
    if not found:
        return
    texts = listed(("%s %s" % (item.NAME, why) for item, why in found), "; ")
    advice = [text for word, text in ADVICE.items() if any(why.startswith(word) for dummy, why in found)]
    advice = [text % unlocks(label) if "%s" in text else text for text in advice]
    message = "No %s is removed or replaced here: %s. %s." % (label, texts, ". ".join(advice))
    raise Failure(message, object=label, id=found[0][0].ID, ids=[item.ID for item, dummy in found])


def unlocks(label):
    """What unlocks an object, for a message."""
    return UNLOCKS_DOCUMENT if label in DOCUMENTS else UNLOCKS


# OneFlow does these on the VMs of a locked service, and then forgets that it did.
CHANGES_OF_SERVICES = frozenset(
    "flow.service.%s" % verb for verb in "add_role recover release remove_role role_action scale update".split()
)


OF_SERVICES = CHANGES_OF_SERVICES | frozenset(ENDING)


def refuse_locked(label, item):
    """Raises Failure for a change of a locked object of the API that the server would begin and not end."""
    lock = getattr(getattr(item, "LOCK", None), "LOCKED", None)
    if item is not None:
        refuse_lock(label, item.NAME, item.ID, None if lock is None else LOCKS.get(lock))


def refuse_late_lock(label, item):
    """Raises Failure for an object of the API that somebody has locked after a change of it was begun.

    OneFlow answers before it has done what it was asked for, and then cannot write down what it has done.
    """
    lock = getattr(getattr(item, "LOCK", None), "LOCKED", None)
    if lock in BLOCKING:
        message = (
            "The %s %s was locked (%s) while OneFlow changed it. OneFlow may have created or ended VMs, and not "
            "written that down. Unlock it (%s), and compare its VMs (one_vm_info with attributes: {SERVICE_ID: %d}) "
            "with those that OneFlow knows (one_service_info)."
        )
        raise Failure(message % (label, item.NAME, LOCKS[lock], unlocks(label), item.ID), object=label, id=item.ID)


def refuse_lock(label, name, oid, lock):
    """Raises Failure for a change of an object with this option lock (str | None)."""
    if lock in (LOCKS[number] for number in BLOCKING):
        message = "The %s %s is locked (%s). Unlock it first (%s)." % (label, name, lock, unlocks(label))
        raise Failure(message, object=label, id=oid)


def refuse_many(what, names, limit):
    """Raises Failure when more objects would be removed than may be.

    Args:
        what (str): they are, in the plural.
        names (list[str])
        limit (int | None): the option max_remove; None: any number.
    """
    if limit is not None and len(names) > limit:
        message = "%d %s would be removed, but max_remove is %d: %s. Give a larger max_remove if all of them are to go."
        raise Failure(message % (len(names), what, limit, listed(names)))
