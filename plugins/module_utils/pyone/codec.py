# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""XML-RPC as oned speaks it: requests out of values, values out of answers.

An answer is XML inside a string inside XML.  Parsing it twice costs as much as everything else together, so the
envelope that oned sends, always the same, is recognised and cut away; any other shape goes through the standard
library.
"""

from __future__ import annotations

import re

from .depth import DEEPEST, bounded, too_deep
from .errors import OneArgumentException, OneProtocolException, with_article

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence

# Patterns, compiled when they are first used: re keeps them.
_HEAD = rb"\s*(?:<\?xml[^>]*\?>\s*)?<methodResponse>\s*<params>\s*<param>\s*<value>\s*<array>\s*<data>"
_VALUE = rb"\s*<value>\s*<(string|i4|boolean|i8)>"
_END = rb"</(string|i4|boolean|i8)>\s*</value>"
_TAIL = rb"\s*</data>\s*</array>\s*</value>\s*</param>\s*</params>\s*</methodResponse>\s*"
_REFERENCE = rb"&(?:#x([0-9a-fA-F]+)|#([0-9]+)|([a-z]+));"
LONG = 64 * 1024  # bytes
_NAMED = {b"quot": b'"', b"apos": b"'", b"lt": b"<", b"gt": b">"}
# The last range: the XML-RPC library of oned (6.10, 7.4) takes no character outside the Basic Multilingual Plane.
UNSENDABLE = "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff\U00010000-\U0010ffff]"


def encode(method: str, params: Sequence[Any]) -> bytes:
    """The request for `method` (full name, as ``one.vm.info``) with `params` (bool, int, float, str or lists of these).

    Raises:
        OneArgumentException: a value that XML-RPC cannot carry.
    """
    if too_deep(params):
        raise OneArgumentException("an argument that is nested more than %d levels deep cannot be sent" % DEEPEST)
    values = "".join("<param><value>%s</value></param>" % _marshal(value) for value in params)
    request = '<?xml version="1.0"?><methodCall><methodName>%s</methodName><params>%s</params></methodCall>'
    return (request % (_escape(method), values)).encode("utf-8")


def _marshal(value: Any) -> str:
    if isinstance(value, bool):
        return "<boolean>%d</boolean>" % value
    if isinstance(value, int):
        return ("<i4>%d</i4>" if -(2**31) <= value < 2**31 else "<i8>%d</i8>") % value
    if isinstance(value, str):
        return "<string>%s</string>" % _escape(value)
    if isinstance(value, float):
        return "<double>%r</double>" % value
    if isinstance(value, (list, tuple)):
        return "<array><data>%s</data></array>" % "".join("<value>%s</value>" % _marshal(item) for item in value)
    raise OneArgumentException("%s cannot be sent to OpenNebula" % with_article(type(value).__name__))


def _escape(text: str) -> str:
    bad = re.compile(UNSENDABLE).search(text)
    if bad:
        raise OneArgumentException("the character %r cannot be sent to OpenNebula" % bad.group())
    return escaped(text)


def escaped(text: str) -> str:
    """A text (str) as character data of XML; a bare CR would arrive as LF."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


class Text:
    """A text of an answer where it stands, still escaped: ``body[start:stop]``."""

    __slots__ = ("body", "start", "stop")

    def __init__(self, body: bytes | bytearray, start: int, stop: int) -> None:
        self.body = body
        self.start = start
        self.stop = stop

    def is_long_xml(self) -> bool:
        """Whether unescaping and parsing it would take longer than a call."""
        return self.stop - self.start > LONG and self.body.startswith(b"&lt;", self.start)

    def __bytes__(self) -> bytes:
        return unescape(bytes(memoryview(self.body)[self.start : self.stop]))


def decode(body: bytes | bytearray) -> tuple[Any, ...]:
    """The content of an answer (bytes): ``(True, value, code)`` or ``(False, message, code, object_id, …)``.

    Texts are returned as UTF-8 bytes, not yet decoded, and long XML as Text: it goes to the XML parser as it is, or
    not at all.

    Raises:
        OneProtocolException: the body is no answer of oned, or an XML-RPC fault (`code` is the fault's).
    """
    values = tuple(_cut(body) or _by_library(body))
    if len(values) == 2:
        values += (0,)
    if not values[0] and not (isinstance(values[1], bytes) and isinstance(values[2], int)):
        raise OneProtocolException("the answer tells of a failure without message and code: %r" % (values[1:],))
    return values


def _cut(body):
    """The values of the envelope that oned sends, or None for any other shape."""
    head = re.compile(_HEAD).match(body)
    position = head.end() if head else 0
    values: list[Any] = []
    while position:
        start = re.compile(_VALUE).match(body, position)
        if not start:
            break
        stop = body.find(b"<", start.end())
        end = re.compile(_END).match(body, stop) if stop >= 0 else None
        if not end or end.group(1) != start.group(1):
            return None
        text = Text(body, start.end(), stop)
        long = values == [True] and start.group(1) == b"string" and text.is_long_xml()
        values.append(text if long else _unmarshal(start.group(1), bytes(text)))
        position = end.end()
    well_formed = len(values) > 1 and isinstance(values[0], bool) and re.compile(_TAIL).fullmatch(body, position)
    return values if well_formed else None


def _unmarshal(kind, text):
    if kind == b"string":
        return text
    try:
        number = int(text)
    except ValueError:
        raise OneProtocolException("the answer holds %r as a number" % text[:40]) from None
    return number == 1 if kind == b"boolean" else number


def unescape(text: bytes) -> bytes:
    """Character data of the envelope (bytes) without its escapes."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"&" not in text:
        return text
    text = text.replace(b"&lt;", b"<").replace(b"&gt;", b">")
    if text.count(b"&") != text.count(b"&amp;"):  # counted, for to search for each of the others takes far longer
        text = re.compile(_REFERENCE).sub(_dereferenced, text)
    return text.replace(b"&amp;", b"&")


def _dereferenced(match):
    hexadecimal, decimal, name = match.groups()
    if name:
        return _NAMED.get(name, match.group())
    try:
        character = chr(int(hexadecimal, 16) if hexadecimal else int(decimal))
        return b"&amp;" if character == "&" else character.encode("utf-8")
    except (ValueError, OverflowError):
        raise OneProtocolException("the answer holds an impossible character reference: %r" % match.group()) from None


def _by_library(body):
    # As text, for an encoding that the answer declares could hide what is looked for.
    try:
        text = bytes(body).decode("utf-8")
    except UnicodeDecodeError:
        raise OneProtocolException("the answer is not UTF-8 text: %r" % bytes(body[:80])) from None
    if "<!DOCTYPE" in text:
        raise OneProtocolException("the answer declares a document type, which OpenNebula never sends")
    from xmlrpc.client import Fault, loads

    try:
        result = bounded(lambda text: loads(text, use_builtin_types=True)[0][0], text)
    except Fault as fault:
        raise OneProtocolException(bounded(str, fault.faultString), code=fault.faultCode) from None
    except OneProtocolException:
        raise
    except Exception as error:  # expat, number and type errors of every kind
        message = "the answer is not XML-RPC (%s): %r" % (error or type(error).__name__, text[:80])
        raise OneProtocolException(message) from None
    if not isinstance(result, list) or len(result) < 2 or not isinstance(result[0], bool):
        return [True, result]  # system.listMethods and its kin answer without the array
    return [_known(item) for item in result]


def _known(item):
    if isinstance(item, str):
        return item.encode("utf-8")
    if not isinstance(item, (bool, int, float, bytes)):
        raise OneProtocolException(
            "the answer holds %s, which OpenNebula never sends" % with_article(type(item).__name__)
        )
    return item
