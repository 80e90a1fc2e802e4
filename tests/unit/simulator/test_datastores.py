# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Datastores: how much they take."""

from __future__ import annotations

import pytest

FULL = "[one.image.allocate] Not enough space in datastore"


@pytest.fixture
def allocate(one):
    """allocate(attributes, MB, by=…) -> the answer to a new image in a datastore with these attributes."""
    for name in ("DS_MAD", "TM_MAD"):
        one("datastore.update", 1, f'{name}="dummy"', 1)
    one("user.allocate", "ann", "pw", "core", [])

    def call(attributes, size, skip=False, **session):
        one("datastore.update", 1, attributes, 1)
        one("datastore.info", 1)
        image = f'NAME="i" TYPE="DATABLOCK" FORMAT="raw" SIZE="{size}"'
        return one("image.allocate", image, 1, skip, **session)

    return call


@pytest.mark.parametrize("attributes", ["", 'LIMIT_MB="99999999"', 'DATASTORE_CAPACITY_CHECK="YES"', 'LIMIT_MB="much"'])
def test_what_is_free_is_all(allocate, attributes):
    assert allocate(attributes, 99999999)[1] == FULL
    assert allocate(attributes, 10)[0]


def test_a_limit_counts_what_is_used(allocate):
    assert allocate('LIMIT_MB="100"', 10)[1] == FULL


def test_no_check_where_none_is_wanted(allocate):
    assert allocate('LIMIT_MB="100" DATASTORE_CAPACITY_CHECK="NO"', 99999999)[0]


def test_administrators_may_skip_the_check(allocate):
    assert allocate("", 99999999, skip=True, session="ann:pw")[1] == FULL
    assert allocate("", 99999999, skip=True)[0]
