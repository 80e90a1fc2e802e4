# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Addresses in the ranges (AR) of a virtual network, as the pool tells them."""

from __future__ import annotations

import ipaddress
import re

from .numbers import is_whole

FIELDS = ("IP", "IP6", "MAC")
MAC = re.compile(r"[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}\Z")
HELD = 0xFFFFFFFF  # the lower half of who has an address on hold


def free(ar):
    """How many addresses of a range nobody has."""
    return int(ar.SIZE) - len(taken(ar))


def taken(ar, held=True):
    """The places of a range that somebody has, from 0.

    Args:
        ar: of the pool, which has ALLOCATED: pairs of a place and who has it.
        held (bool): also those on hold.
    """
    numbers = [int(text) for text in (ar.ALLOCATED or "").split() if is_whole(text)]
    return {place for place, user in zip(numbers[::2], numbers[1::2]) if held or user & HELD != HELD}


def place(ar, name, address):
    """The place of an address in a range, from 0; None: it is not there.

    Args:
        ar: of the API.
        name (str): of FIELDS.
        address (str)
    """
    first = getattr(ar, name)
    try:
        found = number(address) - number(first) if first else -1
    except ValueError:
        return None
    return found if 0 <= found < int(ar.SIZE) else None


def is_mac(text):
    """Whether a text, in small letters, is a MAC address."""
    return MAC.match(text) is not None


def number(address):
    """The number that an IP or MAC address is.

    Raises:
        ValueError: it is none.
    """
    return int(address.replace(":", ""), 16) if is_mac(address.lower()) else int(ipaddress.ip_address(address))
