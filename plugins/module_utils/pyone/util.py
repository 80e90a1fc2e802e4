# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What programs written for pyone 7.3.80 find in its modules ``util`` and ``bindings``."""

from __future__ import annotations

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

    Raises:
        OneTemplateException: a dictionary that cannot be written.
    """
    if isinstance(param, int) and not isinstance(param, bool):
        return int(param)
    return write(param) if isinstance(param, dict) else param


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
        raise AttributeError("pyone.bindings has no %s" % name)
    return class_of(key)
