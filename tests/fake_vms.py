# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""VMs in any state, and a cloud that answers from a table, for tests of what is planned and asked for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._attributes.requests import REQUEST_ID
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import Clock
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.state_names import LCM_NAMES, STATE_NAMES
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneNoExistsException


class Element(SimpleNamespace):
    """An element of an answer: what it does not have is None, as with the bindings."""

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)


def record(oid: int = 0, host: str = "host0", datastore: int = 100, cluster: int = 0, **more: Any) -> Element:
    """A history record; `more`: its number (SEQ), and the times when the VM began to run and stopped."""
    return Element(HID=oid, HOSTNAME=host, DS_ID=datastore, CID=cluster, **{"SEQ": 0, **more})


def vm(state: str = "RUNNING", oid: int = 7, name: str = "db", history: tuple = (), **more: Any) -> Element:
    """A VM of one.vm.info in a state, by the name that OpenNebula has for it; `more`: elements of it."""
    active = state in LCM_NAMES
    return Element(
        ID=oid,
        NAME=name,
        STATE=3 if active else STATE_NAMES.index(state),
        LCM_STATE=LCM_NAMES.index(state) if active else 0,
        HISTORY_RECORDS=Element(HISTORY=list(history)) if history else None,
        **{"TEMPLATE": {}, "USER_TEMPLATE": {}, "SNAPSHOTS": [], "STIME": 1000, "UID": 2, "GID": 1, **more},
    )


def host(oid: int, name: str, state: int = 2, cluster: int = 0, memory: int = 8192, cpu: int = 8) -> Element:
    """A host with so many MB and CPUs free; it is half full."""
    share = Element(MAX_MEM=memory * 2048, MEM_USAGE=memory * 1024, MAX_CPU=cpu * 200, CPU_USAGE=cpu * 100)
    return Element(ID=oid, NAME=name, STATE=state, CLUSTER_ID=cluster, HOST_SHARE=share)


class Server:
    """A client that keeps what is asked.

    Args:
        answers: method → its answer, an exception to raise, or a function of the arguments. Without one there is no
            object for a method that reads one, and None is the answer of the others.
    """

    username = "oneadmin"

    def __init__(self, **answers: Any) -> None:
        self.answers = {name.replace("_", ".", 1): answer for name, answer in answers.items()}
        self.calls: list[tuple] = []
        self.checked: list[tuple] = []

    def call(self, method: str, *arguments: Any) -> Any:
        self.calls.append((method, *arguments))
        answer = self.answers.get(method)
        answer = answer(*arguments) if callable(answer) else answer
        if answer is None and method.endswith(".info") and not method.endswith("pool.info"):
            answer = OneNoExistsException("there is none")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def request(self, method: str, *arguments: Any) -> None:
        self.checked.append((method, *arguments))


class Steps(Clock):
    """A clock that goes on only where somebody sleeps on it."""

    def __init__(self) -> None:
        self.seconds = 5000.0

    def now(self) -> float:
        return self.seconds

    def time(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


POOLS = {
    "hostpool_info": "HOST",
    "clusterpool_info": "CLUSTER",
    "datastorepool_info": "DATASTORE",
    "imagepool_info": "IMAGE",
    "vnpool_info": "VNET",
    "secgrouppool_info": "SECURITY_GROUP",
    "vmgrouppool_info": "VM_GROUP",
    "templatepool_info": "VMTEMPLATE",
    "vmpool_info": "VM",
    "vmpool_infoextended": "VM",
}


def cloud(check: bool = False, timeout: float = 10, progress: Any = None, **answers: Any) -> Cloud:
    """A cloud of such a server, at `one`; of a pool the list of its objects is answer enough.

    Args:
        check: what does not exist is taken as it is written, as in check runs.
    """
    whole = {
        name: Element(**{POOLS[name]: answer}) if name in POOLS and isinstance(answer, list) else answer
        for name, answer in answers.items()
    }
    return Cloud(Server(system_version="7.4.0", **whole), timeout, [].append if check else None, Steps(), progress)


def infoset(*looks: Any) -> Any:
    """The answers of one.vmpool.infoset: each a list of VMs, of which those with the ids are told; the last stays."""
    left = list(looks)

    def answer(ids, whole):
        items = left.pop(0) if len(left) > 1 else left[0]
        return Element(VM=[item for item in items if str(item.ID) in ids.split(",")])

    return answer


def unmarked(arguments: tuple) -> tuple:
    """The arguments of a method that adds a member, without the request id that the member has to have."""
    oid, ((name, member),) = arguments[0], arguments[1].items()
    rest = dict(member)
    assert rest.pop(REQUEST_ID).startswith(f"{oid}-")
    return (oid, {name: rest})


def refusal(work: Any, *arguments: Any, **options: Any) -> tuple[str, dict]:
    """(message, data) of the Failure that a function ends with."""
    with pytest.raises(Failure) as caught:
        work(*arguments, **options)
    return caught.value.message, caught.value.data
