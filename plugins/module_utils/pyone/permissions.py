# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Permissions as octal digits, and as the nine values of one.*.chmod."""

from __future__ import annotations

import re
from typing import Any

from .errors import OneArgumentException

_CLASSES = ("OWNER", "GROUP", "OTHER")
_RIGHTS = (("U", 4), ("M", 2), ("A", 1))  # USE, MANAGE, ADMIN
_OCTAL = re.compile(r"0?([0-7]{3})\Z")


def octal(permissions: Any) -> str:
    """The octal digits of a PERMISSIONS element: ``"640"`` for owner USE and MANAGE, group USE."""
    return "".join(
        str(sum(weight for right, weight in _RIGHTS if getattr(permissions, "%s_%s" % (name, right))))
        for name in _CLASSES
    )


def bits(mode: str) -> list[int]:
    """The nine values that one.*.chmod takes (owner, group, other: use, manage, admin), each 0 or 1.

    Args:
        mode (str): three octal digits, a leading 0 may stand before them.

    Raises:
        OneArgumentException: it is something else.
    """
    digits = _OCTAL.match(mode)
    if digits is None:
        raise OneArgumentException("permissions are three octal digits such as '640', not %r" % (mode,))
    return [int(bool(int(digit) & weight)) for digit in digits.group(1) for dummy, weight in _RIGHTS]
