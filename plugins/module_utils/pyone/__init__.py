# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""PyONE: the API of OpenNebula for Python, with no dependency but the standard library."""

from __future__ import annotations

from .client import Client
from .element import Element, Template
from .errors import (
    OneActionException,
    OneAllocateException,
    OneApiException,
    OneArgumentException,
    OneAuthenticationException,
    OneAuthorizationException,
    OneConnectionException,
    OneException,
    OneHelperException,
    OneInternalException,
    OneLeaderException,
    OneLockedException,
    OneNoExistsException,
    OneProtocolException,
    OneReadOnlyException,
    OneReplicationException,
    OneTemplateException,
    OneTimeoutException,
)
from .transport import tls_context

TYPE_CHECKING = False  # in every file, for the module typing takes longer to import than this package
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "Client",
    "Element",
    "OneActionException",
    "OneAllocateException",
    "OneApiException",
    "OneArgumentException",
    "OneAuthenticationException",
    "OneAuthorizationException",
    "OneConnectionException",
    "OneException",
    "OneFlow",  # pylint: disable=undefined-all-variable
    "OneHelperException",
    "OneInternalException",
    "OneLeaderException",
    "OneLockedException",
    "OneNoExistsException",
    "OneProtocolException",
    "OneReadOnlyException",
    "OneReplicationException",
    "OneServer",  # pylint: disable=undefined-all-variable; see __getattr__
    "OneTemplateException",
    "OneTimeoutException",
    "Template",
    "tls_context",
]

# Loaded when they are asked for, and by no import statement: Ansible ships to every target what these name.
_LATER = {"OneFlow": "flow", "OneServer": "server_xrpc"}
_MODULES = (
    "acl",
    "bindings",
    "constants",
    "flow",
    "helpers",
    "permissions",
    "server",
    "server_xrpc",
    "tester",
    "util",
)


def __getattr__(name: str) -> Any:
    if name in _MODULES or name in _LATER or name.isupper():
        from importlib import import_module

        if name in _MODULES:
            return import_module("." + name, __name__)
        found = getattr(import_module("." + _LATER.get(name, "constants"), __name__), name, None)
        if found is not None:
            globals()[name] = found
            return found
    raise AttributeError("module %r has no attribute %r" % (__name__, name))
