# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""How a request to OneFlow fails."""

from __future__ import annotations

from ..errors import AUTHENTICATION, AUTHORIZATION, NO_EXISTS

# OpenNebula's code -> HTTP status; OneFlow has these two the other way round than their names.
STATUS = {AUTHORIZATION: 401, AUTHENTICATION: 403, NO_EXISTS: 404}


class Denied(Exception):
    """OneFlow says no: an HTTP status and a plain text."""

    def __init__(self, message: str, status: int = 500) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def refused(method: str, code: int, message: str) -> Denied:
    """What OneFlow makes of oned's refusal of a method."""
    return Denied(f"[{method}] {message}", STATUS.get(code, 500))


def invalid(message: str) -> Denied:
    """Content that is against the schema."""
    return Denied(message, 400)


class Slip(Exception):
    """A fault of the server's program, such as a missing part of a request that it does not look for: status 500."""


def missing(key: str, of: object = None) -> Slip:
    """What the server's interpreter says when it looks for a key in something that is no object."""
    return Slip(f"undefined method `{key}' for {'nil:NilClass' if of is None else type(of).__name__}")
