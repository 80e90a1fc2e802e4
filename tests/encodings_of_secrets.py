# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Forms in which servers, drivers and logs repeat a text: what the tests of secrets search for."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus


def _hex(text: str) -> str:
    return text.encode().hex()


def _in_lines(text: str, length: int = 60) -> str:
    return "\n".join(text[start : start + length] for start in range(0, len(text), length))


# Of these a whole word is the text, whatever stands around the secret in it.
WORDS: dict[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64 in lines": lambda text: base64.encodebytes(text.encode()).decode().strip(),
    "base64 in lines, escaped": lambda text: base64.encodebytes(text.encode()).decode().strip().replace("\n", "\\n"),
    "hex": _hex,
    "hex in upper case": lambda text: _hex(text).upper(),
    "hex in lines": lambda text: _in_lines(_hex(text)),
    "hex with colons": lambda text: text.encode().hex(":"),
    "hex in groups": lambda text: text.encode().hex(" ", 2),
    "hex of shells": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "hex of arrays": lambda text: ", ".join(f"0x{byte:02X}" for byte in text.encode()),
    "all of it in percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "a part of an address": lambda text: quote(text, safe=""),
    "a form": quote_plus,
}
# Of these the secret is a part of the text.
PARTS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON with all characters": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "XML": lambda text: html.escape(text, quote=False),
    "HTML": html.escape,
    "Python": lambda text: repr(text)[1:-1],
    "bytes of Python": lambda text: repr(text.encode())[2:-1],
    "quotes escaped": lambda text: text.replace('"', '\\"'),
    "an address": quote,
    "lines": lambda text: _in_lines(text, 3),
}
ENCODINGS = {**WORDS, **PARTS}
