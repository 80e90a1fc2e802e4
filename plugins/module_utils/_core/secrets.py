# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Secrets in what is told: servers and drivers repeat what they refuse, and what people write ends in messages.

Values of secret attributes that the task gives, or that objects hold which it has read, are covered wherever they are
repeated, be it quoted, escaped or encoded; and private keys and passwords in URLs, whatever the name of what holds
them.
"""

from __future__ import annotations

import base64
import html
import json
import re
from functools import lru_cache, partial
from urllib.parse import unquote, unquote_plus

from .failure import one_line, printable
from .numbers import is_whole
from .secret_names import is_secret, names_with
from .values import MASK, is_vector, masked

LEAST = 4  # characters of what is covered wherever it is; a shorter secret is a part of other words
LEAST_WORD = 3  # characters of what is covered where it stands alone; a shorter one is a number or an article
LEAST_MEMBER = 8  # characters of a member of a vector of secrets: shorter ones are names of users and the like
LEAST_LINE = 16  # characters of a line of a key or a script that may be repeated alone
HARMLESS = frozenset(("true", "false", "none", "null", "yes", "no", "off"))
KEPT = frozenset(("name", "one_auth"))  # fields that plays need as they are: one_auth is there to hand out a token
# Fields and attributes in which servers, drivers and commands say something, encoded perhaps.
SAID = frozenset(("ERROR", "SCHED_MESSAGE", "error", "message", "reason", "stdout", "stderr"))
# How OpenNebula repeats a CONTEXT that it cannot read: NAME=value, without quotes, between separators.
_CONTEXT = re.compile(r"@\^_\^@|Error parsing:")
# What is around a value, escaped perhaps.
_QUOTE = r"""(?:\\*["']|&(?:quot|apos|#34|#39|#x22|#x27);)"""
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
        quote, value = _unquoted(match)
        if not value or value.lower() in HARMLESS or not self.names(match.group("name")):
            return match.group()
        return "%s%s%s" % (match.group("name"), match.group("sign"), quote + MASK + quote)


def _patterns(names):
    """NAME="…", NAME=… and "NAME": "…", NAME=… of a CONTEXT, and <NAME>…</NAME> in a text; kept with the names."""
    if not hasattr(names, "patterns"):
        word = r"(?<!\w)(?P<name>%s)(?!\w)" % names.pattern
        quoted = (
            r"""(?P<sign>%s?\s*[=:]\s*)(?P<value>(?P<quote>%s)(?:[^\\]|\\.)*?(?:(?P=quote)|\\?\Z)|(?<==)[^\s,;"'\]]+)"""
        )
        quoted %= _QUOTE, _QUOTE
        forms = (
            quoted,
            r"(?P<sign>=)(?P<value>.*?)(?=@\^_\^@|\. syntax error|\Z)",
            r"(?P<sign>>)(?P<value>.*?)(?=</)",
        )
        names.patterns = [re.compile(word + form, re.I | re.S) for form in forms]
    return names.patterns


def _unquoted(match):
    """(what is around a value, the value) of a match of one of these patterns."""
    quote, value = match.groupdict().get("quote") or "", match.group("value")
    value = value[len(quote) :]
    return quote, value[: -len(quote)] if quote and value.endswith(quote) else value


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
        by_form += [_unquoted(match)[1] for match in matches if names(match.group("name"))]
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
    if len(secret) < LEAST_WORD or secret.lower() in HARMLESS or secret.startswith("$") or _could_be_id(secret):
        return frozenset()
    lines = {line.strip() for line in secret.splitlines() if len(line.strip()) >= LEAST_LINE}
    lines = {line for line in lines if not line.startswith(("-----", "#!"))}
    escaped = {json.dumps(secret)[1:-1], repr(secret)[1:-1], html.escape(secret), secret.replace('"', '\\"')}
    escaped |= {html.escape(secret, quote=False), json.dumps(secret, ensure_ascii=False)[1:-1]}
    escaped |= {repr(secret.encode("utf-8", "surrogatepass"))[2:-1]}
    return frozenset({secret} | escaped | lines)


def _could_be_id(secret):
    return len(secret) < LEAST and is_whole(secret)


@lru_cache(maxsize=4096)
def _alone(secret):
    """Where a short secret is a word of its own."""
    return re.compile(r"(?<!\w)%s(?!\w)" % re.escape(secret))


def _is_in(secret, text):
    return secret in text and (len(secret) >= LEAST or bool(_alone(secret).search(text)))


def _without(secret, text):
    return text.replace(secret, MASK) if len(secret) >= LEAST else _alone(secret).sub(MASK, text)


# ---------------------------------------------------------------- encodings

_BREAK = re.compile(r"[\r\n]|\\[rn]")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{6,}(?:(?:%s)+[A-Za-z0-9+/_-]+)*={0,2}" % _BREAK.pattern)
_HEX = re.compile(r"[0-9A-Fa-f]{2}(?:(?:\\x|, ?0x|[ :.,-]|(?:%s)+)?[0-9A-Fa-f]{2}){3,}[0-9A-Fa-f]?" % _BREAK.pattern)
_NOT_HEX = re.compile(r"0x|[^0-9A-Fa-f]")
_QUOTED = re.compile(r"(?<!\S)[^\s%+]*[%+]\S*")  # a word of an address
_URL_SAFE = str.maketrans("-_", "+/")


def _encodings_covered(secrets, names, text):
    """A text without the words that are secrets, or hold them, in an encoding; and secrets broken into lines."""
    for pattern, decode in _ENCODINGS:
        meanings = {word: _meanings(decode, word) for word in set(pattern.findall(text))}
        everything = "\0".join(one for found_in in meanings.values() for one in found_in)
        told_of = {secret for secret in secrets if secret in everything} | _told_in(everything, names)
        if told_of:
            hidden = {
                word for word, one in meanings.items() if any(_is_in(secret, "\0".join(one)) for secret in told_of)
            }
            text = pattern.sub(partial(_hide, hidden), text)
    return _broken_covered(secrets, text)


def _meanings(decode, word, depth=1):
    """What a word may mean in an encoding, and so what is encoded in that once more."""
    found_in = decode(word)
    if depth:
        inner = [
            (again, one) for text in found_in for pattern, again in _ENCODINGS for one in set(pattern.findall(text))
        ]
        found_in = found_in + [text for again, one in inner for text in _meanings(again, one, depth - 1)]
    return found_in


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
    cuts = [word[start:] for start in range(4)]
    whole = [one if len(one) % 4 != 1 else one[:-1] for one in cuts]
    return [base64.b64decode(one + "=" * (-len(one) % 4)).decode("utf-8", "replace") for one in whole]


def _of_hex(word):
    """What a word may mean in hexadecimal digits; it may begin in the middle of a byte."""
    digits = _NOT_HEX.sub("", word)
    cuts = [digits[start : start + (len(digits) - start) // 2 * 2] for start in range(2)]
    return [bytes.fromhex(one).decode("utf-8", "replace") for one in cuts]


def _of_url(word):
    return [unquote(word), unquote_plus(word)]


_ENCODINGS = ((_BASE64, _of_base64), (_HEX, _of_hex), (_QUOTED, _of_url))


def _broken_covered(secrets, text):
    """A text without the secrets that a break of lines goes through."""
    whole = _BREAK.sub("", text)
    if whole == text:
        return text
    bare = {_BREAK.sub("", secret) for secret in secrets}
    for secret in [secret for secret in bare if len(secret) >= LEAST and secret in whole]:
        text = re.sub(("(?:%s)*" % _BREAK.pattern).join(map(re.escape, secret)), MASK, text)
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
        return {name: _replaced_member(name, item, secrets, names) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replaced(item, secrets, names) for item in value]
    return value


def _replaced_member(name, value, secrets, names):
    if name in KEPT:
        return value
    value = _replaced(value, secrets, names)
    return _encodings_covered(secrets, names, value) if name in SAID and isinstance(value, str) else value


def _replaced_in_text(text, secrets):
    for secret in sorted([secret for secret in secrets if secret in text], key=len, reverse=True):
        text = _without(secret, text)
    for pattern in _forms_in(text):
        text = pattern.sub(lambda match: match.group("head") + MASK, text)
    return text


def _each_text(value, change):
    if isinstance(value, dict):
        return {name: _each_text(item, change) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_each_text(item, change) for item in value]
    return change(value) if isinstance(value, str) else value
