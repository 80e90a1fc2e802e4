# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What programs written for pyone 7.3.80 find in its modules ``util`` and ``bindings``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from . import bindings
from .element import REPEATABLE, Element, Template, class_of
from .element import parse as parse_document
from .template import write

TEMPLATE_ALWAYS_LIST_ELEM = sorted(REPEATABLE)
TemplatedType = Element


def cast2one(param: Any) -> Any:
    """An argument as it is sent: the text of a dictionary, the number of a constant, anything else as it is.

    The last line of an attribute ends as those before it do.

    Raises:
        OneTemplateException: a dictionary that cannot be written.
    """
    if isinstance(param, int) and not isinstance(param, bool):
        return int(param)
    if not isinstance(param, dict):
        return param
    text = write(param)
    return text if text.startswith("<") or not text else text + "\n"


def one2dict(element: Template) -> dict[str, dict[str, Any]]:
    """A template of an answer as a document, ``{"TEMPLATE": {…}}``, which update methods take."""
    return {element.tag: dict(element)}


def child2dict(element: Any) -> Template:
    """The dictionary of an xml.etree element."""
    return Template(element)


def parseString(inString: bytes | str, silence: bool = False) -> Element:  # noqa: N802, N803
    """The view of an XML document; see element.parse()."""
    return parse_document(inString)


def parse(inFilename: str, silence: bool = False) -> Element:  # noqa: N803
    """The view of the XML document in a file; see element.parse()."""
    return parse_document(Path(inFilename).read_bytes())


_CLASSES = {key.replace(".", "_"): key for key in bindings.TYPES}
_NAMES = {"parse": parse, "parseString": parseString, "TemplatedType": TemplatedType}


def binding(name: str) -> Any:
    """What the module bindings has by a name: a function, or the class of an element, ``VM`` or ``VMSub``."""
    if name in _NAMES:
        return _NAMES[name]
    key = _CLASSES.get(name[:-3] if name.endswith("Sub") else name)
    if key is None:
        raise AttributeError("pyone.bindings has no %s%s" % (name, _inner_classes(name)))
    return class_of(key)


def _inner_classes(name):
    """What to write for a class that generateDS made of an inner element, such as HOST_SHAREType12Sub."""
    element = re.sub(r"(Type\d*)?(Sub)?$", "", name)
    found = [text for text, key in _CLASSES.items() if key.rpartition(".")[2] == element]
    return ": write " + " or ".join("pyone.bindings." + text for text in sorted(found)) if found else ""
