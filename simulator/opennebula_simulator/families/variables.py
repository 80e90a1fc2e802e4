# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Variables in the CONTEXT of a VM: $NAME, $NIC[IP], $NETWORK[DNS, NETWORK_ID=0]; and what of a $ is refused.

The rules are those of the server's lexer and grammar (vm_var_parser.l, vm_var_syntax.y in src/parsers), as tables.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..errors import internal
from ..permissions import Who, refusal
from ..store import Object
from ..template import Vector

SEPARATOR = "@^_^@"  # between the members of a vector that is parsed as one text
# Lexer states as in the server: a token's name and its pattern; where several match, the longest wins.
TEXT = [("RSTRING", re.compile(r"(?:[^$\\]|\\\$|\\[^$])+", re.DOTALL)), ("$", re.compile(r"\$"))]
VARIABLE = [
    ("EQUAL", re.compile(r"[ \t]*=[ \t]*")),
    ("COMMA", re.compile(r"[ \t]*,[ \t]*")),
    ("OBRACKET", re.compile(r"\[[ \t]*")),
    ("CBRACKET", re.compile(r"[ \t]*\]")),
    ("VARIABLE", re.compile(r"[A-Za-z0-9_]+")),
    ("NEXT", re.compile(r"\$")),
    ("EOA", re.compile(r".")),
]
VALUE = [("STRING", re.compile(r'"[^"]*"')), ("STRING", re.compile(r"[A-Za-z0-9]+"))]


class Token(NamedTuple):
    name: str
    text: str
    at: int
    end: int


def tokens(text: str) -> Iterator[Token]:
    """What stands behind a variable is a token too (EOA): one character, or nothing. Newlines there are skipped."""
    rules, at = TEXT, 0
    while at < len(text):
        matches = [(name, found) for name, rule in rules if (found := rule.match(text, at))]
        name, found = max(matches, key=lambda match: match[1].end(), default=("", None))
        end = found.end() if found else at + 1
        if name == "NEXT":
            yield Token("EOA", "", at, end)
        elif name not in ("", "$"):
            yield Token(name, text[at:end], at, end)
        rules = {"$": VARIABLE, "EQUAL": VALUE, "EOA": TEXT}.get(name, VARIABLE if rules is VALUE and name else rules)
        at = end
    if rules is VARIABLE:
        yield Token("EOA", "", at, at)
    yield Token("$end", "", at, at)


# State -> what the server says it expects there, and where each token leads.
GRAMMAR: dict[str, tuple[str, dict[str, str]]] = {
    "begin": ("VARIABLE or RSTRING", {"RSTRING": "more", "VARIABLE": "named"}),
    "more": ("$end or VARIABLE or RSTRING", {"RSTRING": "more", "VARIABLE": "named", "$end": "done"}),
    "named": ("OBRACKET or EOA", {"EOA": "more", "OBRACKET": "opened"}),
    "opened": ("VARIABLE", {"VARIABLE": "member"}),
    "member": ("COMMA or CBRACKET", {"COMMA": "by", "CBRACKET": "closed"}),
    "by": ("VARIABLE", {"VARIABLE": "key"}),
    "key": ("EQUAL", {"EQUAL": "value"}),
    "value": ("STRING", {"STRING": "given"}),
    "given": ("CBRACKET", {"CBRACKET": "closed"}),
    "closed": ("EOA", {"EOA": "more"}),
}


def filled(cloud: Any, vm: Object, context: Vector) -> Vector:
    """The context with its variables replaced. Raises Refused where the server cannot read them."""
    if not context:
        return {}
    text = SEPARATOR.join([f"{name}={context[name]}" for name in sorted(context)])
    members = (part.partition("=") for part in substituted(cloud, vm, text).split(SEPARATOR))
    return {name: value for name, equal, value in members if equal}


def substituted(cloud: Any, vm: Object, text: str) -> str:
    """Raises Refused."""
    written: list[str] = []
    words: list[str] = []
    state = "begin"
    for token in tokens(text):
        expecting, follow = GRAMMAR[state]
        if token.name not in follow:
            raise unreadable(text, token, expecting)
        state = follow[token.name]
        if token.name in ("VARIABLE", "STRING"):
            words.append(token.text.strip('"') if token.name == "STRING" else token.text.upper())
        elif token.name == "EOA":
            written += (value(cloud, vm, words), token.text)
            words = []
        elif token.name == "RSTRING":
            written.append(token.text)
    return "".join(written)


def unreadable(text: str, token: Token, expecting: str) -> Exception:
    place = f"at line {text.count(chr(10), 0, token.at) + 1}, columns {token.at}:{token.end}"
    return internal(f"Error parsing: {text}. syntax error, unexpected {token.name}, expecting {expecting} {place}")


# ---------------------------------------------------------------- what they stand for


def value(cloud: Any, vm: Object, words: list[str]) -> str:
    """The words of a variable: NAME; NIC, IP; NETWORK, DNS, NETWORK_ID, 0."""
    if len(words) == 1:
        return single(vm, words[0])
    name, member, key, wanted = [*words, "", ""][:4]
    return SPECIAL.get(name, of_vector)(cloud, vm, name, member, key, wanted)


def single(vm: Object, name: str) -> str:
    own = {"NAME": vm.name, "UID": str(vm.uid), "UNAME": vm.uname, "GID": str(vm.gid), "GNAME": vm.gname}
    if name == "TEMPLATE":
        return encoded(vm)
    return own.get(name) or vm.template.text(name) or vm.user_template.text(name)


def encoded(obj: Object) -> str:
    return base64.b64encode(obj.xml().encode()).decode()


def of_vector(cloud: Any, vm: Object, name: str, member: str, key: str, wanted: str) -> str:
    """A member of the first vector of the name in the VM, or of the one whose key is as wanted."""
    found = (each for each in vm.template.vectors(name) if not key or each.get(key) == wanted)
    return next(found, {}).get(member, "")


def of_network(cloud: Any, vm: Object, name: str, member: str, key: str, wanted: str) -> str:
    """An attribute of the address range, or else of the network, behind an interface of the VM."""
    nics = [nic for kind in ("NIC_ALIAS", "NIC") for nic in vm.template.vectors(kind)]
    nic = next((each for each in nics if key in ("NETWORK", "NETWORK_ID", "NIC_ID") and each.get(key) == wanted), None)
    network = cloud["NET"].get_ro(int((nic or {}).get("NETWORK_ID", "-1")))
    if nic is None or network is None:
        return ""
    source = network.ranges.get(int(nic.get("AR_ID", "-1")))
    return encoded(network) if member == "TEMPLATE" else own_text(source, member) or network.template.text(member)


def own_text(source: Any, member: str) -> str:
    return source.body.get(member, "") if source is not None else ""


def of_image(cloud: Any, vm: Object, name: str, member: str, key: str, wanted: str) -> str:
    """An attribute of the image of a disk of the VM."""
    disks = [each for each in vm.template.vectors("DISK") if key in ("IMAGE", "IMAGE_ID") and each.get(key) == wanted]
    image = cloud["IMAGE"].get_ro(int(disks[0].get("IMAGE_ID", "-1"))) if disks else None
    if image is None:
        return ""
    return encoded(image) if member == "TEMPLATE" else image.template.text(member)


def of_user(cloud: Any, vm: Object, name: str, member: str, key: str, wanted: str) -> str:
    """An attribute of the owner's template, or all of him."""
    user = cloud["USER"].get_ro(vm.uid)
    return encoded(user) if member == "TEMPLATE" else user.template.text(member)


SPECIAL = {"NETWORK": of_network, "IMAGE": of_image, "USER": of_user}


# ---------------------------------------------------------------- files

FILE = re.compile(r'\s*\$(\w+)\[\s*(\w+)\s*=\s*("[^"]*"|\w+)\s*(?:,\s*(\w+)\s*=\s*("[^"]*"|\w+)\s*)?\](?:\s|$)')


def files(cloud: Any, vm: Object, text: str) -> list[Object]:
    """The images of $FILE[IMAGE_ID=3] $FILE[IMAGE="name", IMAGE_UNAME="owner"]. Raises Refused."""
    found, at = [], 0
    while text[at:].strip():
        match = FILE.match(text, at)
        if match is None:
            raise internal(f"Error parsing: {text.lstrip()}. syntax error")
        try:
            found.append(file(cloud, vm, match))
        except ValueError as error:
            raise internal(f"Error parsing: {text.lstrip()}. {error}") from None
        at = match.end()
    return found


def file(cloud: Any, vm: Object, match: re.Match) -> Object:
    """One image that the VM's owner may use. Raises ValueError."""
    variable, key, named, more, other = (part.strip('"') if part else "" for part in match.groups())
    if variable.upper() != "FILE":
        raise ValueError("Must use FILE variable for attribute.")
    if key.upper() == "IMAGE_ID":
        image, why = (
            cloud["IMAGE"].get_ro(int(named) if named.isdigit() else -1),
            f"Image with ID: {named} does not exist",
        )
    elif key.upper() == "IMAGE":
        uid = owner_of(cloud, vm, {more.upper(): other})
        image = cloud["IMAGE"].named(named, uid)
        why = f"User {uid} does not own an image with name: {named} . Set IMAGE_UNAME or IMAGE_UID of owner."
    else:
        raise ValueError("Cannot get image, set IMAGE_ID or IMAGE.")
    if image is None:
        raise ValueError(why)
    user = cloud["USER"].get_ro(vm.uid)
    call = cloud.call_by(user, Who(user.oid, user.gid, frozenset(user.groups)), "one.vm.info")
    if refusal(call.who, [call.need("USE", image)], cloud.rules):
        raise ValueError("User not authorize to use image.")
    return image


def owner_of(cloud: Any, vm: Object, given: Vector) -> int:
    if given.get("IMAGE_UID", "").isdigit():
        return int(given["IMAGE_UID"])
    if "IMAGE_UNAME" not in given:
        return vm.uid
    user = cloud["USER"].named(given["IMAGE_UNAME"])
    return -1 if user is None else user.oid


READY = 1  # the state of an image


def sources(cloud: Any, vm: Object, text: str) -> str:
    """FILES_DS as the driver reads it: SOURCE:'NAME' of each. Raises Refused."""
    found = files(cloud, vm, text)
    for image in found:
        if image.type != "CONTEXT":
            raise internal("Only images of type CONTEXT can be used in FILE_DS attribute.")
        if image.state != READY:
            raise internal(f"CONTEXT Image '{image.oid}' not in READY state.")
    return "".join([f"{image.source}:'{image.name}' " for image in found])
