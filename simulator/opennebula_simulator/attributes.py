# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Attributes that oned.conf restricts to administrators or keeps encrypted."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

from .template import Template

MARK = b"simulator:"  # tells our own ciphertext from any other text
BLOCK = 16  # bytes, as those of AES
KEY = b"a server draws its key at installation; this one need not be secret"


def listed(config: Template, name: str) -> list[tuple[str, str]]:
    """The attributes under a repeated name of oned.conf as (vector, member) pairs; ("", name) is a plain one."""
    found = []
    for path in config.texts(name):
        vector, dummy, member = path.rpartition("/")
        found.append((vector, member))
    return sorted(found)


def encrypted(config: Template, kind: Any) -> list[tuple[str, str]]:
    """The attributes that objects of a kind have encrypted."""
    return listed(config, f"{kind.encrypted}_ENCRYPTED_ATTR")


def values(template: Template, vector: str, member: str) -> set[str]:
    if not vector:
        return set(template.texts(member))
    return {item[member] for item in template.vectors(vector) if member in item}


def first_restricted(new: Template, base: Template, names: list[tuple[str, str]]) -> str:
    """The first restricted attribute of a template whose value the base does not have; empty when there is none."""
    for vector, member in names:
        if values(new, vector, member) - values(base, vector, member):
            return member
    return ""


def keep_restricted(new: Template, base: Template, names: list[tuple[str, str]]) -> None:
    """A replaced template does not lose restricted attributes by being silent about them."""
    for vector, member in names:
        if not vector and member in base and member not in new:
            new.set(member, base.text(member))


def places(template: Template, names: list[tuple[str, str]]) -> Iterator[tuple[str, str, dict]]:
    """(name, text, vector) of each of these attributes in a template; vector is empty for plain ones."""
    for vector, member in names:
        if not vector:
            if member in template:
                yield member, template.text(member), {}
            continue
        for item in template.vectors(vector):
            if member in item:
                yield member, item[member], item


def encrypt(template: Template, names: list[tuple[str, str]]) -> None:
    """Encrypts the named attributes in place; what is encrypted already stays."""
    for name, text, vector in list(places(template, names)):
        put(template, name, vector, text if plain_text(text) is not None else cipher_text(text))


def decrypted(template: Template, names: list[tuple[str, str]]) -> Template:
    """A copy with the named attributes in clear."""
    clear = template.copy()
    for name, text, vector in list(places(clear, names)):
        plain = plain_text(text)
        put(clear, name, vector, text if plain is None else plain)
    return clear


def put(template: Template, name: str, vector: dict, text: str) -> None:
    if vector:
        vector[name] = text
    else:
        template.set(name, text)


def cipher_text(text: str) -> str:
    data = MARK + text.encode()
    return base64.b64encode(mixed(data + bytes(-len(data) % BLOCK))).decode()


def plain_text(text: str) -> str | None:
    """The text behind our ciphertext; None when it is none."""
    try:
        data = mixed(base64.b64decode(text, validate=True))
        return data[len(MARK) :].rstrip(b"\0").decode() if data.startswith(MARK) else None
    except ValueError:
        return None


def mixed(data: bytes) -> bytes:
    """XOR with a key stream: its own inverse."""
    blocks = range(len(data) // 32 + 1)
    stream = b"".join([hashlib.sha256(KEY + bytes([i % 256, i // 256])).digest() for i in blocks])
    return bytes(a ^ b for a, b in zip(data, stream, strict=False))
