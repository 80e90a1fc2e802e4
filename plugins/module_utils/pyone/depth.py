# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""How deeply a value is nested, found without recursion: what comes from outside may be deeper than Python's stack."""

from __future__ import annotations

from .errors import OneProtocolException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

DEEPEST = 64  # levels; OpenNebula's templates have two, the JSON of OneFlow about ten
NESTED = (dict, list, tuple)


def too_deep(value: Any) -> bool:
    """Whether dictionaries, lists and tuples are nested more than DEEPEST levels deep, or hold themselves."""
    level = [value] if isinstance(value, NESTED) else []
    for dummy in range(DEEPEST):
        inner = (item for outer in level for item in (outer.values() if isinstance(outer, dict) else outer))
        level = list({id(item): item for item in inner if isinstance(item, NESTED)}.values())
        if not level:
            return False
    return True


def bounded(read: Callable[[Any], Any], answer: Any) -> Any:
    """read(answer), of a server.

    Raises:
        OneProtocolException: it is nested more than DEEPEST levels deep; what `read` raises.
    """
    try:
        value = read(answer)
        if not too_deep(value):
            return value
    except RecursionError:
        pass
    raise OneProtocolException("the answer is nested more than %d levels deep" % DEEPEST)
