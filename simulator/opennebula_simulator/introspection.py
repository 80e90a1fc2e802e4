# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The system.* methods of the XML-RPC library: no session, and answers without OpenNebula's wrapping."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .calls import Method, params
from .errors import Fault

WORDS = {"s": "string", "i": "int", "b": "boolean", "8": "i8", "A": "array"}
LETTERS = {"int": "i", "string": "s", "boolean": "b", "i8": "8", "array": "A"}

# What the server publishes where it does not tell the truth about its arguments: the session, then the others.
PUBLISHED = {
    "one.hostpool.monitoring": "s",
    "one.cluster.allocate": "ssssi",
    "one.template.delete": "si",
    "one.template.instantiate": "sisbs",
    "one.vntemplatepool.info": "s",
    "one.vm.allocate": "ss",
    "one.vm.disksnapshotrevert": "sii",
    "one.vm.updatenic": "siis",
    "one.vm.resize": "siis",
    "one.vm.updateconf": "sis",
    "one.vmpool.calculateshowback": "siiiii",
    "one.vn.allocate": "si",
    "one.user.enable": "sii",
    "one.zone.enable": "sii",
    "one.zone.replicate": "siiiiiiis",
    "one.zone.fedreplicate": "sis",
    "one.zone.voterequest": "siiii",
    "one.zone.resetserver": "sis",
    "one.market.enable": "sii",
    "one.marketapp.allocate": "ss",
    "one.marketapp.info": "si",
    "one.marketapp.enable": "sii",
    "one.marketapppool.info": "s",
    "one.hookpool.info": "siii",
    "one.backupjob.info": "sib",
}

NAMES = [
    "system.listMethods",
    "system.methodExist",
    "system.methodHelp",
    "system.methodSignature",
    "system.multicall",
    "system.shutdown",
    "system.capabilities",
    "system.getCapabilities",
]


def published(method: Method) -> list[str]:
    told = [param for param in method.params if param.required or not method.lazy]
    letters = PUBLISHED.get(method.name) or "s" + "".join(LETTERS[param.type] for param in told)
    return ["array", *(WORDS[letter] for letter in letters)]


def named(methods: Mapping[str, Method], parameters: list[Any]) -> Method:
    return find(methods, only(parameters, "string"))


def only(parameters: list[Any], kind: str) -> Any:
    """The one parameter of a method. Raises Fault."""
    (wanted,) = params(f"it:{kind}")
    return wanted.read(parameters[:1])


def find(methods: Mapping[str, Method], name: str) -> Method:
    if name not in methods:
        raise Fault(-506, f"Method '{name}' not defined")
    return methods[name]


def multicall(execute: Callable[[str, list[Any]], Any], calls: list[Any]) -> list:
    """Each result in a list of its own, or its fault. Raises Fault."""
    results: list[Any] = []
    for one in calls:
        try:
            results.append([execute(*single_call(one))])
        except Fault as error:
            results.append({"faultCode": error.code, "faultString": error.message})
    return results


def single_call(one: Any) -> tuple[str, list[Any]]:
    """Name and parameters of a call within a multicall. Raises Fault."""
    members = one if isinstance(one, dict) else {}
    name, parameters = members.get("methodName"), members.get("params")
    if not isinstance(name, str) or not isinstance(parameters, list):
        raise Fault(-501, "Value of type struct with the members methodName and params expected")
    if name == "system.multicall":
        raise Fault(-507, "Recursive system.multicall strictly forbidden")
    return name, parameters


def answers(
    methods: Mapping[str, Method], execute: Callable[[str, list[Any]], Any]
) -> dict[str, Callable[[list[Any]], Any]]:
    """Method name -> answer for its parameters. `execute` runs a method of any name."""
    return {
        "system.listMethods": lambda parameters: [*NAMES, *methods],
        "system.methodExist": lambda parameters: only(parameters, "string") in {*NAMES, *methods},
        "system.methodHelp": lambda parameters: named(methods, parameters).help,
        "system.methodSignature": lambda parameters: [published(named(methods, parameters))],
        "system.multicall": lambda parameters: multicall(execute, only(parameters, "values")),
        "system.shutdown": lambda parameters: 0,
        "system.capabilities": lambda parameters: {"facility": "xmlrpc-c", "protocol_version": 2},
        "system.getCapabilities": lambda parameters: {"introspect": {"specUrl": "", "specVersion": 1}},
    }
