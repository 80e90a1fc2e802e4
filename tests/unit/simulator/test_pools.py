# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Parts of pools, and their order."""

from __future__ import annotations

import re

import pytest


def test_the_order_of_pools_is_that_of_oned_conf_of_the_group_or_of_the_user(one):
    def order(*range_, session="alice:pw"):
        return re.findall("<ID>(.*?)</ID>", one("templatepool.info", -3, *range_, session=session)[1])

    one("user.allocate", "alice", "pw", "core", [])
    for name in "abcd":
        assert one("template.allocate", f'NAME="{name}"', session="alice:pw")[0]
    assert order(-1, -1) == ["3", "2", "1", "0"]
    one("group.update", 1, 'API_LIST_ORDER="ASC"', 1)
    assert order(-1, -1) == ["0", "1", "2", "3"]
    assert order(1, -2) == ["1", "2"]
    assert order(-5, 1) == ["0", "1"]
    one("user.update", 2, 'API_LIST_ORDER="desc"', 1)
    assert order(1, -2) == ["2", "1"]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (-1, -1, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        (3, 6, [6, 5, 4, 3]),
        (7, -1, [9, 8, 7]),
        (6, 3, []),
        (0, -5, [9, 8, 7, 6, 5]),
        (8, -5, [1, 0]),
        (0, 0, [0]),
    ],
)
def test_ranges(one, start, end, expected):
    for i in range(10):
        one("template.allocate", f'NAME="t{i}"')
    assert [int(oid) for oid in re.findall("<ID>(.*?)</ID>", one("templatepool.info", -2, start, end)[1])] == expected
