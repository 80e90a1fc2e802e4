# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""XML-RPC as the library under OpenNebula (xmlrpc-c) reads and writes it, byte for byte where it was recorded.

Python stands for XML-RPC: int i4/int, I8 i8, bool, str, float double, list array, dict struct, None nil.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any
from xml.parsers import expat

from .errors import Fault, Refused

QUOTED_BYTES = 40
INVALID_TOKEN = "Invalid token, starting 0 bytes in"
INVALID_TOKEN_CODE = expat.errors.codes[expat.errors.XML_ERROR_INVALID_TOKEN]
C_ESCAPES = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 92: "\\\\"}
MAX_INT, MIN_INT = 2**31 - 1, -(2**31)
NUMBER = re.compile(r"[-+]?[0-9]*")
BLANKS = " \t\n\v\f\r"
MAX_DIGITS = 25  # more are out of range without a look
MAX_ELEMENTS = 200  # one in the other: 64 arrays of arrays


class I8(int):
    """A 64-bit integer: another type than int to the server."""


def malformed(why: str) -> Fault:
    return Fault(-503, f"Call XML not a proper XML-RPC call.  {why}")


# ---------------------------------------------------------------- reading


class _Element:
    __slots__ = ("children", "name", "text")

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = ""
        self.children: list[_Element] = []


class _Reader:
    """Builds elements out of the events of expat."""

    def __init__(self) -> None:
        self.stack = [_Element("")]

    def start(self, name: str, _attributes: dict) -> None:
        if len(self.stack) > MAX_ELEMENTS:
            raise malformed("Nested data structure too deep.")
        element = _Element(name)
        self.stack[-1].children.append(element)
        self.stack.append(element)

    def end(self, _name: str) -> None:
        self.stack.pop()

    def characters(self, data: str) -> None:
        self.stack[-1].text += data


def read_xml(body: bytes) -> _Element:
    """The root element. Raises Fault."""
    reader, parser = _Reader(), expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.characters
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        why = expat.ErrorString(error.code)
        if len(reader.stack) > 1:  # inside the root element the library quotes what it stopped at
            stop = body[parser.ErrorByteIndex : parser.ErrorByteIndex + QUOTED_BYTES]
            why = INVALID_TOKEN if error.code == INVALID_TOKEN_CODE else why
            why = f"Invalid XML \"content\".  Problem with token at '{printable(stop)}...': {why}"
        raise malformed(f"Call is not valid XML.  {why}") from None
    return reader.stack[0].children[0]


def printable(data: bytes) -> str:
    """Bytes as C would write them: nothing but ASCII reaches an error text."""
    return "".join([C_ESCAPES.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}") for byte in data])


def decode(body: bytes) -> tuple[str, list[Any]]:
    """Method name and parameters of a call. Raises Fault -503."""
    root = read_xml(body)
    if root.name != "methodCall":
        raise malformed(f"XML-RPC call should be a <methodCall> element.  Instead, we have a <{root.name}> element.")
    parts = {child.name: child for child in reversed(root.children)}
    if "methodName" not in parts:
        raise malformed("Expected <methodCall> to have child <methodName>")
    params = parts["params"].children if "params" in parts else []
    return parts["methodName"].text, [parameter(param) for param in params]


def parameter(element: _Element) -> Any:
    if element.name != "param":
        raise malformed(f"Expected element of type <param>, found <{element.name}>")
    return value(only_child(element))


def only_child(element: _Element) -> _Element:
    if len(element.children) != 1:
        raise malformed(f"Expected <{element.name}> to have exactly 1 child, found {len(element.children)}")
    return element.children[0]


def value(element: _Element) -> Any:
    if element.name != "value":
        raise malformed(f"Expected element of type <value>, found <{element.name}>")
    if not element.children:
        return string(element)
    typed = only_child(element)
    if typed.name not in READERS:
        raise malformed(f"Unknown value type -- XML element is named <{typed.name}>")
    return READERS[typed.name](typed)


def string(element: _Element) -> str:
    text = element.text
    if text.isascii() or max(text) <= "\uffff":
        return text
    first = next(char for char in text if char > "\uffff").encode()[0]
    raise malformed(
        f"{len(text.encode())}-byte supposed UTF-8 string is not valid UTF-8.  UTF-8 string contains a character"
        f" not in the Basic Multilingual Plane (first byte 0xffffff{first:02x})"
    )


def integer(element: _Element) -> int:
    number = whole_number(element, "int")
    if number > MAX_INT:
        raise malformed(f"<int> value {number} is above the range allowed by XML-RPC (maximum is {MAX_INT})")
    if number < MIN_INT:
        raise malformed(f"<int> value {number} is below the range allowed by XML-RPC (minimum is {MIN_INT})")
    return number


def whole_number(element: _Element, tag: str) -> int:
    """A number of 64 bits, as strtoll reads it."""
    text = element.text
    if not text:
        raise malformed(f"<{tag}> XML element content is empty")
    if text[0] in BLANKS:
        raise malformed(f"<{tag}> content '{text}' starts with white space")
    found = NUMBER.match(text).group()
    if found != text or not found.lstrip("+-"):
        raise malformed(f"<{tag}> value '{text}' contains non-numerical junk: '{text[len(found) :] or text}'")
    if len(found) > MAX_DIGITS or not -(2**63) <= int(found) < 2**63:
        raise malformed(
            f"<{tag}> XML element value '{text}' represents a number beyond the range that XML-RPC allows"
            f" ({MIN_INT} - {MAX_INT})"
        )
    return int(found)


def boolean(element: _Element) -> bool:
    if element.text not in ("0", "1"):
        raise malformed(f"<boolean> XML element content must be either '0' or '1', not '{element.text}'")
    return element.text == "1"


def double(element: _Element) -> float:
    try:
        return float(element.text)
    except ValueError:
        raise malformed(f"<double> value '{element.text}' is not a number") from None


def binary(element: _Element) -> bytes:
    try:
        return base64.b64decode(element.text)
    except ValueError:
        raise malformed("<base64> element does not hold base64 text") from None


def array(element: _Element) -> list[Any]:
    return [value(child) for child in only_child(element).children]


def struct(element: _Element) -> dict[str, Any]:
    members = [{part.name: part for part in member.children} for member in element.children]
    return {member["name"].text: value(member["value"]) for member in members if {"name", "value"} <= set(member)}


READERS: dict[str, Callable[[_Element], Any]] = {
    "array": array,
    "base64": binary,
    "boolean": boolean,
    "dateTime.iso8601": lambda element: element.text.encode(),
    "double": double,
    "i4": integer,
    "i8": lambda element: I8(whole_number(element, "i8")),
    "int": integer,
    "nil": lambda element: None,
    "string": string,
    "struct": struct,
}


# ---------------------------------------------------------------- writing

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\r\n<methodResponse>\r\n'


def escape(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#x0d;") if "\r" in text else text


def encode(item: Any) -> str:
    return WRITERS[type(item)](item)


def encode_array(items: list) -> str:
    inner = "".join([f"<value>{encode(item)}</value>\r\n" for item in items])
    return f"<array><data>\r\n{inner}</data></array>"


def encode_struct(members: dict) -> str:
    inner = "".join(
        [f"<member><name>{escape(k)}</name>\r\n<value>{encode(v)}</value></member>\r\n" for k, v in members.items()]
    )
    return f"<struct>\r\n{inner}</struct>"


WRITERS: dict[type, Callable[[Any], str]] = {
    bool: lambda item: f"<boolean>{item:d}</boolean>",
    dict: encode_struct,
    float: lambda item: f"<double>{item!r}</double>",
    I8: lambda item: f"<i8>{item:d}</i8>",
    int: lambda item: f"<i4>{item:d}</i4>",
    list: encode_array,
    str: lambda item: f"<string>{escape(item)}</string>",
    type(None): lambda item: "<nil/>",
}


def request(name: str, parameters: list[Any]) -> bytes:
    """A call."""
    params = "".join([f"<param><value>{encode(item)}</value></param>" for item in parameters])
    head = '<?xml version="1.0" encoding="UTF-8"?>\r\n<methodCall>'
    return f"{head}<methodName>{escape(name)}</methodName><params>{params}</params></methodCall>\r\n".encode()


def answer(body: bytes) -> Any:
    """What a call was answered. Raises Fault, also when it was answered with one."""
    root = read_xml(body)
    if [child.name for child in root.children] != ["params"]:
        raise malformed("This is no answer.")
    return parameter(only_child(root.children[0]))


def response(item: Any) -> bytes:
    """The answer of a call."""
    return (
        f"{HEAD}<params>\r\n<param><value>{encode(item)}</value></param>\r\n</params>\r\n</methodResponse>\r\n".encode()
    )


def fault(error: Fault) -> bytes:
    members = encode_struct({"faultCode": error.code, "faultString": error.message})
    return f"{HEAD}<fault>\r\n<value>{members}</value>\r\n</fault>\r\n</methodResponse>\r\n".encode()


def success(item: Any) -> list:
    """The three elements of an OpenNebula success."""
    return [True, item, 0]


def refusal(method: str, error: Refused) -> list:
    """The five elements of an OpenNebula failure."""
    return [False, f"[{method}] {error.message}", error.code, error.oid, I8(-1)]
