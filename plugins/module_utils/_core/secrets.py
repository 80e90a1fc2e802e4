# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Secrets in what is told: servers and drivers repeat what they refuse, and what people write ends in messages.

Values of secret attributes that the task gives, or that objects hold which it has read, are covered wherever they are
repeated, be it quoted or escaped; and private keys and passwords in URLs, whatever the name of what holds them.
"""

from __future__ import annotations

import base64
import html
import json
import re
from functools import lru_cache, partial
from urllib.parse import unquote, unquote_plus

from .failure import one_line, printable
from .secret_names import is_secret, names_with
from .values import MASK, is_vector, masked

LEAST = 4  # characters; shorter ones are parts of other words, and would cover those
LEAST_MEMBER = 8  # characters of a member of a vector of secrets: shorter ones are names of users and the like
LEAST_LINE = 16  # characters of a line of a key or a script that may be repeated alone
HARMLESS = frozenset(("true", "false", "none", "null", "yes", "no"))
KEPT = frozenset(("name", "one_auth"))  # fields that plays need as they are: one_auth is there to hand out a token
# How OpenNebula repeats a CONTEXT that it cannot read: NAME=value, without quotes, between separators.
_CONTEXT = re.compile(r"@\^_\^@|Error parsing:")
# The password of a URL. What could be a host and a port is none.
_URL = re.compile(r"(?P<head>://[^\s/@:\"'<>]*:)(?P<value>[^\s/@\"'<>]+)(?=@)")
_KEY = re.compile(
    r"(?P<head>-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----)(?P<value>.*?)(?=-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)", re.S
)


class Secrets:
    """The secrets that a task may meet.

    Args:
        given: the options of the task, without those of the connection.
        names (iterable[str]): the option secret_names.
        session (str | None): ``user:password`` of the connection, which servers may repeat.
    """

    def __init__(self, given=None, names=(), session=None):
        self.names = names_with(tuple(names or ()))
        self.given = found(given, names=self.names)
        self._session = _of_session(session)
        self._answers = {}

    def add(self, given):
        """Takes the secrets of more options too."""
        self.given |= found(given, names=self.names)

    def remember(self, key, answer):
        """Keeps the last answer to a question, in which secrets are looked for where something is to be covered."""
        self._answers[key] = _Answer(answer)

    def shown(self, value):
        """A result without the secrets of the task, and without those of the objects in it; see told()."""
        return told(value, self.given, self.names)

    def difference(self, value):
        """One side of the diff of an object without the secrets of the task, and without its own; see told()."""
        return told(value, self.given | found(value, names=self.names), self.names)

    def cover(self, value):
        """The same value with secrets covered in all of its texts; for what a server may have said."""
        held = (answer.secrets(self.names) for answer in list(self._answers.values()))
        secrets = self.given.union(self._session, _assigned(value, self.names), *held)
        covered = _each_text(told(value, secrets, self.names), self._assignments_covered)
        return _each_text(covered, partial(_encodings_covered, secrets, self.names))

    def message(self, text):
        """A text to be shown: secrets covered, and nothing in it that a terminal obeys."""
        return printable(self.cover(text))

    def line(self, text):
        """A text to be shown in one line; as of message()."""
        return one_line(self.cover(text))

    def _assignments_covered(self, text):
        if not self.names.hint(text):
            return text
        assigned, member, element = _patterns(self.names)
        patterns = [member] if _CONTEXT.search(text) else [assigned, element]
        for pattern in patterns:
            text = pattern.sub(self._cover, text)
        return text

    def _cover(self, match):
        value = match.group("value")
        kept = not value.strip("\"'") or value.strip("\"'").lower() in HARMLESS
        if kept or not self.names(match.group("name")):
            return match.group()
        quote = value[0] if value[0] in "\"'" else ""
        return "%s%s%s" % (match.group("name"), match.group("sign"), quote + MASK + quote)


def _patterns(names):
    """NAME="…", NAME=… and "NAME": "…", NAME=… of a CONTEXT, and <NAME>…</NAME> in a text; kept with the names."""
    if not hasattr(names, "patterns"):
        word = r"(?<!\w)(?P<name>%s)(?!\w)" % names.pattern
        quoted = r"""(?P<sign>\\?["']?\s*[=:]\s*)(?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|(?<==)[^\s,;"'\]]+)"""
        forms = (
            quoted,
            r"(?P<sign>=)(?P<value>.*?)(?=@\^_\^@|\. syntax error|\Z)",
            r"(?P<sign>>)(?P<value>.*?)(?=</)",
        )
        names.patterns = [re.compile(word + form, re.I | re.S) for form in forms]
    return names.patterns


def found(value, name="", names=is_secret):
    """The texts in a value that are secrets.

    Args:
        value: dictionaries, lists and scalars; in a text, what is assigned to a name of a secret.
        name (str): of the option or attribute that has it.
        names (SecretNames): tells whether a name is that of a secret.
    """
    if isinstance(value, dict):
        vector = name and is_vector(name, value, names)
        whole = [_variants(text) for text in _texts(value) if len(text) >= LEAST_MEMBER] if vector else []
        members = [(key, item) for key, item in value.items() if item and (names.of_word(str(key)) or may_hold(item))]
        return set().union(*whole, *[found(item, key, names) for key, item in members])
    if isinstance(value, (list, tuple)):
        return set().union(*[found(item, name, names) for item in value])
    if value is None or isinstance(value, bool):
        return set()
    if names(name):
        return _variants(str(value))
    return _assigned(value, names)


def _texts(value):
    """The texts in a value."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


def may_hold(value):
    """Whether a secret could be in a value: most texts have no sign of one, and to search them takes far longer."""
    if not isinstance(value, str) or "=" in value or "PRIVATE KEY-----" in value:
        return True
    return ":" in value and ("//" in value or '"' in value or "'" in value)  # not MAC and IPv6 addresses


def _assigned(value, names):
    """The values that texts assign to names of secrets, and those that are told by their form."""
    if isinstance(value, dict):
        return set().union(*(_assigned(item, names) for item in value.values()))
    if isinstance(value, (list, tuple)):
        return set().union(*(_assigned(item, names) for item in value))
    if not isinstance(value, str) or not may_hold(value):
        return set()
    by_form = [match.group("value") for pattern in _forms_in(value) for match in pattern.finditer(value)]
    if names.hint(value):
        assigned, member, dummy = _patterns(names)
        matches = (member if _CONTEXT.search(value) else assigned).finditer(value)
        by_form += [match.group("value").strip("\"'") for match in matches if names(match.group("name"))]
    return set().union(*map(_variants, by_form))


def _forms_in(text):
    """The patterns of secrets that are told by their form, as far as it is worth looking for them."""
    return [pattern for pattern, sign in ((_URL, "://"), (_KEY, "PRIVATE KEY-----")) if sign in text]


def has_form(text):
    """Whether a secret is in a text that is told by its form: a private key, the password of a URL."""
    return any(pattern.search(text) for pattern in _forms_in(text))


@lru_cache(maxsize=4096)  # the objects of a pool share scripts and keys
def _variants(secret):
    """A secret as it may be written in another text; nothing where it would cover other words."""
    secret = secret.strip()
    if len(secret) < LEAST or secret.lower() in HARMLESS or secret.startswith("$"):
        return frozenset()
    lines = {line.strip() for line in secret.splitlines() if len(line.strip()) >= LEAST_LINE}
    lines = {line for line in lines if not line.startswith(("-----", "#!"))}
    escaped = {json.dumps(secret)[1:-1], repr(secret)[1:-1], html.escape(secret), secret.replace('"', '\\"')}
    escaped |= {html.escape(secret, quote=False), repr(secret.encode("utf-8", "surrogatepass"))[2:-1]}
    return frozenset({secret} | escaped | lines)


# ---------------------------------------------------------------- encodings

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{6,}(?:\r?\n[A-Za-z0-9+/_-]+)*={0,2}")
_WORD = re.compile(r"\S+")
_BREAK = re.compile(r"\r?\n")
_URL_SAFE = str.maketrans("-_", "+/")


def _encodings_covered(secrets, names, text):
    """A text without the words that are secrets, or hold them, in base64 or as in URLs; and those broken into lines."""
    for pattern, decode in ((_BASE64, _of_base64), (_WORD, _of_url)):
        decoded = {word: decode(word) for word in set(pattern.findall(text))}
        everything = "\0".join(one for found_in in decoded.values() for one in found_in)
        told_of = {secret for secret in secrets if secret in everything} | _told_in(everything, names)
        if told_of:
            hidden = {word for word, one in decoded.items() if any(secret in "\0".join(one) for secret in told_of)}
            text = pattern.sub(partial(_hide, hidden), text)
    return _broken_covered(secrets, text)


def _hide(words, match):
    return MASK if match.group() in words else match.group()


def _told_in(text, names):
    """The secrets that are told by the names before them, or by their form."""
    if not names.hint(text):
        return _assigned(text, names)
    elements = _patterns(names)[2].finditer(text)
    return _assigned(text, names).union(one.group("value") for one in elements if one.group("value"))


def _of_base64(word):
    """What a word may mean in base64; it may begin anywhere in a group of four."""
    word = _BREAK.sub("", word).translate(_URL_SAFE).rstrip("=")
    cuts = [word[start : start + (len(word) - start) // 4 * 4] for start in range(4)]
    rest = word + "=" * (-len(word) % 4) if len(word) % 4 != 1 else ""
    return [base64.b64decode(one).decode("utf-8", "replace") for one in (*cuts, rest) if one]


def _of_url(word):
    return [unquote(word), unquote_plus(word)] if "%" in word or "+" in word else []


def _broken_covered(secrets, text):
    """A text without the secrets that a break of lines goes through."""
    if "\n" not in text:
        return text
    whole = _BREAK.sub("", text)
    for secret in [secret for secret in secrets if secret in whole and secret not in text]:
        text = re.sub(r"(?:\r?\n)?".join(map(re.escape, secret)), MASK, text)
    return text


def _of_session(session):
    """What a server may repeat of the credentials of a connection."""
    if not session:
        return set()
    basic = base64.b64encode(session.encode("utf-8")).decode("ascii")  # of OneFlow
    return _variants(session) | _variants(session.partition(":")[2]) | {basic}


class _Answer:
    """An answer of the API, searched for secrets once, when something is to be covered."""

    def __init__(self, answer):
        self._answer = answer
        self._secrets = None

    def secrets(self, names):
        if self._secrets is None:
            self._secrets = _held(self._answer, names)
        return self._secrets


def _held(answer, names):
    """The secrets in an answer of the API."""
    node = getattr(answer, "_node", None)
    if node is None:
        return found(dict(answer), names=names) if isinstance(answer, dict) else set()
    tree = node.tree() if hasattr(node, "tree") else node
    return set().union(*(found(leaf.text, leaf.tag, names) for leaf in tree.iter() if leaf.text))


def told(value, secrets=frozenset(), names=is_secret):
    """masked(value), with the secrets of the task, and those of the object that a text belongs to, covered in texts.

    Args:
        value: a result; a dictionary with an id is an object.
        secrets (set[str])
        names (SecretNames)
    """
    return masked(_replaced(value, secrets, names), names)


def _replaced(value, secrets, names):
    if isinstance(value, str):
        return _replaced_in_text(value, secrets)
    if isinstance(value, dict):
        secrets = secrets | found(value, names=names) if "id" in value else secrets
        return {name: item if name in KEPT else _replaced(item, secrets, names) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replaced(item, secrets, names) for item in value]
    return value


def _replaced_in_text(text, secrets):
    for secret in sorted([secret for secret in secrets if secret in text], key=len, reverse=True):
        text = text.replace(secret, MASK)
    for pattern in _forms_in(text):
        text = pattern.sub(lambda match: match.group("head") + MASK, text)
    return text


def _each_text(value, change):
    if isinstance(value, dict):
        return {name: _each_text(item, change) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_each_text(item, change) for item in value]
    return change(value) if isinstance(value, str) else value
