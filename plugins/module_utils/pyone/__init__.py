# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""PyONE: the API of OpenNebula for Python, with no dependency but the standard library."""

from __future__ import annotations

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
    OneLockedException,
    OneNoExistsException,
    OneProtocolException,
    OneReadOnlyException,
    OneReplicationException,
    OneTemplateException,
    OneTimeoutException,
)
from .server import OneServer
from .transport import tls_context

__all__ = [
    "Element",
    "OneActionException",
    "OneAllocateException",
    "OneApiException",
    "OneArgumentException",
    "OneAuthenticationException",
    "OneAuthorizationException",
    "OneConnectionException",
    "OneException",
    "OneHelperException",
    "OneInternalException",
    "OneLockedException",
    "OneNoExistsException",
    "OneProtocolException",
    "OneReadOnlyException",
    "OneReplicationException",
    "OneServer",
    "OneTemplateException",
    "OneTimeoutException",
    "Template",
    "tls_context",
]
