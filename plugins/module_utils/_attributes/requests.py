# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Members without names of which an object may have any number, such as disks: which were added for one request.

OpenNebula lets two runs at once add the same one twice.  So each member that is added has a request id: the id of the
object, what is wanted of the member, and the first number that no other member has with these.  Two runs of a task ask
for the same, and of members with one request id the one with the lowest id stays; any run removes the others, also
those of a run that was killed.  What was copied from another object has the request id of that, which does not count.
OpenNebula 7.4 keeps the attribute in DISK, NIC and AR.
"""

from __future__ import annotations

import hashlib
import itertools

REQUEST_ID = "ANSIBLE_REQUEST"  # attribute of the member


def requested(oid, wanted, present):
    """New members of an object, each with its request id.

    Args:
        oid (int): id of the object.
        wanted (list[dict]): the new members.
        present (list[dict]): those that it has.
    """
    taken = {one.get(REQUEST_ID) for one in present}
    found = []
    for one in wanted:
        numbered = ("%s-%d" % (_request(oid, one), number) for number in itertools.count())
        request = next(text for text in numbered if text not in taken)
        taken.add(request)
        found.append({**one, REQUEST_ID: request})
    return found


def surplus(oid, present, number):
    """The members of an object that were added for a request which has an older member.

    Args:
        oid (int): id of the object.
        present (list[dict])
        number (str): the attribute with the id of a member.
    """
    found, seen = [], set()
    for one in sorted(present, key=lambda one: int(one[number])):
        request = one.get(REQUEST_ID, "")
        if request in seen:
            found.append(one)
        elif request.startswith("%d-" % oid):
            seen.add(request)
    return found


def _request(oid, wanted):
    text = repr(sorted(wanted.items()))
    return "%d-%s" % (oid, hashlib.sha256(text.encode()).hexdigest()[:16])
