# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Everything that can go wrong in a call, as one family under OneException."""

from __future__ import annotations

import re


def with_article(noun: str) -> str:
    """A noun behind its indefinite article, for messages: ``an image``, ``a user``, ``an ACL rule``."""
    return "%s %s" % ("an" if noun[:1].lower() in "aeio" else "a", noun)


class OneException(Exception):
    """A call to OpenNebula failed.

    Attributes:
        message (str): what OpenNebula, the network or the client says about it.
        method (str | None): API method, for instance ``one.host.info``.
        code (int | None): error code of the answer (0x0100 to 0x10000), fault code (negative), or HTTP status.
        object_id (int | None): id of the object concerned, as the answer gives it (-1: none).
        status (int | None): HTTP status, of an answer of OneFlow.
    """

    status: int | None = None

    def __init__(
        self, message: str = "", method: str | None = None, code: int | None = None, object_id: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = str(message)
        self.method = method
        self.code = code
        self.object_id = object_id


class OneAuthenticationException(OneException):
    """0x0100: unknown user, wrong password, expired token or disabled user."""


class OneAuthorizationException(OneException):
    """0x0200: the user may not do this, the object is locked, or a quota is reached."""


class OneNoExistsException(OneException):
    """0x0400: there is no object with this id."""


class OneActionException(OneException):
    """0x0800: the object's state does not allow this."""


class OneApiException(OneException):
    """0x1000: a parameter has a value that the API does not know."""


class OneInternalException(OneException):
    """0x2000: OpenNebula could not do it (template errors, drivers, database)."""


class OneAllocateException(OneException):
    """0x4000: the object could not be created (name taken, content refused)."""


class OneLockedException(OneException):
    """0x8000: the object is locked (declared by the API; servers up to 7.4 answer 0x0200 instead)."""


class OneReplicationException(OneException):
    """0x10000: the servers of a federation or an HA cluster could not agree."""


class OneConnectionException(OneException):
    """The endpoint cannot be reached, or the connection broke.

    Attributes:
        sent (bool): the request, or a part of it, had left: it may have been carried out.
    """

    sent = False


class OneTimeoutException(OneConnectionException):
    """No complete answer within the timeout."""


class OneProtocolException(OneException):
    """The endpoint answers, but not as OpenNebula does: HTTP errors, XML-RPC faults, XML that cannot be read."""


class OneArgumentException(OneException, TypeError):
    """The arguments do not fit the method; nothing was sent."""


class OneTemplateException(OneException, ValueError):
    """A template value that OpenNebula could not store unchanged; nothing was sent."""


class OneReadOnlyException(OneException):
    """A client opened with ``read_only=True`` was asked to write; nothing was sent."""


class OneHelperException(OneException):
    """A client-side helper cannot do what it was asked."""


class OneLeaderException(OneInternalException, OneConnectionException):
    """No server of the cluster leads it for the time being, so the request surely never ran."""


# How a server begins to say that it knows no leader to pass the request on to, that one is being elected, or that it
# has become the leader and is not up to date yet.  A zone that an administrator has disabled begins so, too.
_NO_LEADER = re.compile(r"(?:\[[\w.]+\]\s*)?Cannot process request,(?! zone disabled)")

BY_CODE = {
    0x0100: OneAuthenticationException,
    0x0200: OneAuthorizationException,
    0x0400: OneNoExistsException,
    0x0800: OneActionException,
    0x1000: OneApiException,
    0x2000: OneInternalException,
    0x4000: OneAllocateException,
    0x8000: OneLockedException,
    0x10000: OneReplicationException,
}


def failure(message: str, method: str, code: int, object_id: int | None) -> OneException:
    """The exception for a failed answer of the API."""
    if BY_CODE.get(code) is OneInternalException and _NO_LEADER.match(message):
        return OneLeaderException(message, method, code, object_id)
    return BY_CODE.get(code, OneException)(message, method, code, object_id)
