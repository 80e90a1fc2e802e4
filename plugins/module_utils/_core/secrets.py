# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Secrets in what is told: servers and drivers repeat what they refuse, and what people write ends in messages.

Values of secret attributes that the task gives, or that objects hold which it has read, are covered wherever they are
repeated, be it quoted or escaped.
"""

from __future__ import annotations

import html
import json
import re

from .values import MASK, SENSITIVE, is_secret, masked

LEAST = 4  # characters; shorter ones are parts of other words, and would cover those
LEAST_LINE = 16  # characters of a line of a key or a script that may be repeated alone
HARMLESS = frozenset(("true", "false", "none", "null", "yes", "no"))
SCRIPTS = frozenset(("START_SCRIPT", "START_SCRIPT_BASE64"))  # shown in results, but not where a server repeats them
KEPT = frozenset(("name", "one_auth"))  # fields that plays need as they are: one_auth is there to hand out a token
_SENSITIVE = re.compile(SENSITIVE, re.I).search
# NAME="…", NAME=…, "NAME": "…" and <NAME>…</NAME> in a text.
_WORD = r"\b(?P<name>\w*(?:%s|START_SCRIPT)\w*)" % SENSITIVE
_ASSIGNED = re.compile(
    _WORD + r"""(?P<sign>\\?["']?\s*[=:]\s*)(?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|(?<==)[^\s,;"'\]]+)""",
    re.I | re.S,
)
# How OpenNebula repeats a CONTEXT that it cannot read: NAME=value, without quotes, between separators.
_CONTEXT = re.compile(r"@\^_\^@|Error parsing:")
_MEMBER = re.compile(_WORD + r"(?P<sign>=)(?P<value>.*?)(?=@\^_\^@|\. syntax error|\Z)", re.I | re.S)
_ELEMENT = re.compile(_WORD + r"(?P<sign>>)(?P<value>.*?)(?=</)", re.I | re.S)


class Secrets:
    """The secrets that a task may meet.

    Args:
        given: the options of the task, without those of the connection, which Ansible covers.
    """

    def __init__(self, given=None):
        self.given = found(given)
        self._repeatable = found(given, counts=is_repeated)
        self._answers = {}

    def add(self, given):
        """Takes the secrets of more options too."""
        self.given |= found(given)
        self._repeatable |= found(given, counts=is_repeated)

    def remember(self, key, answer):
        """Keeps the last answer to a question, in which secrets are looked for where something is to be covered."""
        self._answers[key] = answer

    def shown(self, value):
        """A result without the secrets of the task, and without those of the objects in it; see told()."""
        return told(value, self.given)

    def cover(self, value):
        """The same value with secrets covered in all of its texts; for what a server may have said."""
        held = (_held(answer) for answer in list(self._answers.values()))
        return _assignments_covered(told(value, self._repeatable.union(_assigned(value), *held)))


def is_repeated(name):
    """Whether values of this name are covered where a server repeats them."""
    return is_secret(name) or str(name).upper() in SCRIPTS


def found(value, name="", counts=is_secret):
    """The texts in a value that are secrets.

    Args:
        value: dictionaries, lists and scalars; in a text, what is assigned to a name of a secret.
        name (str): of the option or attribute that has it.
        counts (callable): whether a name is that of a secret.
    """
    if isinstance(value, dict):
        return set().union(*(found(item, key, counts) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return set().union(*(found(item, name, counts) for item in value))
    if value is None or isinstance(value, bool):
        return set()
    if counts(name):
        return _variants(str(value))
    return _assigned(value)


def _assigned(value):
    """The values that texts assign to names of secrets."""
    if isinstance(value, dict):
        return set().union(*map(_assigned, value.values()))
    if isinstance(value, (list, tuple)):
        return set().union(*map(_assigned, value))
    if not isinstance(value, str) or not _SENSITIVE(value):
        return set()
    pattern = _MEMBER if _CONTEXT.search(value) else _ASSIGNED
    return set().union(*(_variants(match.group("value").strip("\"'")) for match in pattern.finditer(value)))


def _variants(secret):
    """A secret as it may be written in another text; nothing where it would cover other words."""
    secret = secret.strip()
    if len(secret) < LEAST or secret.lower() in HARMLESS or secret.startswith("$"):
        return set()
    lines = {line.strip() for line in secret.splitlines()[1:-1] if len(line.strip()) >= LEAST_LINE}
    escaped = {json.dumps(secret)[1:-1], repr(secret)[1:-1], html.escape(secret), secret.replace('"', '\\"')}
    return {secret} | escaped | lines


def _held(answer):
    """The secrets, and the scripts, in an answer of the API."""
    node = getattr(answer, "_node", None)
    if node is None:
        return set()
    tree = node.tree() if hasattr(node, "tree") else node
    texts = [leaf.text for leaf in tree.iter() if leaf.text and is_repeated(leaf.tag)]
    return set().union(*map(_variants, texts))


def told(value, secrets=frozenset()):
    """masked(value), with the secrets of the task, and those of the object that a text belongs to, covered in texts.

    Args:
        value: a result; a dictionary with an id is an object.
        secrets (set[str])
    """
    return masked(_replaced(value, secrets))


def _replaced(value, secrets):
    if isinstance(value, dict):
        secrets = secrets | found(value) if "id" in value else secrets
        return {name: item if name in KEPT else _replaced(item, secrets) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replaced(item, secrets) for item in value]
    if isinstance(value, str):
        for secret in sorted((secret for secret in secrets if secret in value), key=len, reverse=True):
            value = value.replace(secret, MASK)
    return value


def _assignments_covered(value):
    if isinstance(value, dict):
        return {name: _assignments_covered(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_assignments_covered(item) for item in value]
    if not isinstance(value, str):
        return value
    if _CONTEXT.search(value):
        return _MEMBER.sub(_cover, value)
    return _ELEMENT.sub(_cover, _ASSIGNED.sub(_cover, value))


def _cover(match):
    value = match.group("value")
    if not value.strip("\"'") or value.strip("\"'").lower() in HARMLESS:
        return match.group()
    quote = value[0] if value[0] in "\"'" else ""
    return "%s%s%s" % (match.group("name"), match.group("sign"), quote + MASK + quote)
