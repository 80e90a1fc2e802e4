# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Which names of options and attributes hold secrets: one table, to which tasks add with the option secret_names."""

from __future__ import annotations

import re
from functools import lru_cache

from . import encrypted

# `*` is any text, `?` any character; upper and lower case are the same.
SECRET_NAMES = (
    "*PASSW*",
    "*PASSPHRASE*",
    "*_PWD",
    "*SECRET*",
    "*TOKEN*",
    "*CREDENTIAL*",
    "*PRIVATE_KEY*",
    "*PRIVATEKEY*",
    "*API_KEY*",
    "*APIKEY*",
    "*ACCESS_KEY*",
    "*ACCESSKEY*",
    "EC2_ACCESS",
    "AZ_CERT",
    "*START_SCRIPT*",
    "USER_DATA",
    "USERDATA",
    *(path.rpartition("/")[2] for paths in encrypted.NAMES.values() for path in paths),
)
NOT = "!"  # before a pattern of names that hold none


class SecretNames:
    """Tells by its name whether an option or attribute holds a secret.

    Args:
        given (iterable[str]): more patterns; one behind ``!`` takes the names out that it fits.
    """

    def __init__(self, given=()):
        given = [str(pattern).strip() for pattern in given]
        more = [pattern for pattern in given if pattern and not pattern.startswith(NOT)]
        less = [pattern[len(NOT) :] for pattern in given if pattern.startswith(NOT)]
        self._counts = _matcher(SECRET_NAMES + tuple(more))
        self._excluded = _matcher(less)
        self.of_word = lru_cache(maxsize=4096)(self._of_word)
        # A word of a text that is such a name; what NOT takes out is told by calling this.
        self.pattern = "|".join(_regex(pattern, r"\w") for pattern in SECRET_NAMES + tuple(more))
        self.hint = re.compile("|".join(_literal(pattern) for pattern in SECRET_NAMES + tuple(more)), re.I).search

    def __call__(self, name):
        return self.of_word(str(name))

    def _of_word(self, name):
        return bool(self._counts(name)) and not self._excluded(name)


def _matcher(patterns):
    """Whether one of the patterns fits a whole text."""
    return re.compile(
        "(?:%s)" % ("|".join(_regex(pattern, ".") for pattern in patterns) or r"(?!)"), re.I | re.S
    ).fullmatch


def _regex(pattern, any_character):
    parts = {"*": any_character + "*", "?": any_character}
    return "".join(parts.get(character) or re.escape(character) for character in pattern)


def _literal(pattern):
    """The longest part of a pattern that is there as it is, wherever it fits."""
    return re.escape(max(re.split(r"[*?]", pattern), key=len))


@lru_cache(maxsize=32)
def names_with(given=()):
    """The SecretNames with these patterns (a tuple) beside the table."""
    return SecretNames(given)


is_secret = names_with()
