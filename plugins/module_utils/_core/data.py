# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Answers of the API as plain data, for results and lookups."""

from __future__ import annotations

from ..pyone.depth import bounded
from ..pyone.element import Element


def plain(value):
    """An answer as dictionaries, lists, texts and numbers; fields that it lacks are left out.

    Args:
        value (int | bool | str | Element): what OneServer.call returns.

    Raises:
        OneProtocolException: it is nested too deeply.
    """
    return bounded(_plain, value)


def _plain(value):
    if isinstance(value, Element):
        found = {name: getattr(value, name) for name in dir(value) if not name.startswith("_") and name != "to_xml"}
        return {name: _plain(item) for name, item in found.items() if item is not None}
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
