# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Numbers in texts that people and servers write."""

from __future__ import annotations

import re

# Digits of ASCII alone: str.isdigit() takes "²" too, for which int() raises, as it does for thousands of digits.
WHOLE = re.compile(r"[0-9]{1,18}\Z")


def is_whole(text):
    """Whether a text is a whole number of at most 18 digits, without a sign, as ids are: int() takes it."""
    return WHOLE.match(text) is not None
