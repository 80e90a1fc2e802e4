# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Dictionaries written as OpenNebula templates.

Text is the usual form; XML is taken for values that text cannot hold.  Facts of the grammar: releases 5.4 to 7.4 of the
server's parser.  Text has one escape (``\\"``) and none for the backslash itself; XML drops empty values.
"""

from __future__ import annotations

import re

from .errors import OneTemplateException

# Documents, not attributes: a dictionary with one of them as its only key is that document.
ROOTS = ("TEMPLATE", "USER_TEMPLATE")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Escaped quotes of the writer, a backslash before a quote, or a backslash at the end: text would read another value.
_HAZARD = re.compile(r'\\(?:"|\Z)')


def write(template):
    """The text or XML of a template.

    Args:
        template (dict): NAME → value.  A value is a text, a number, a boolean (YES / NO), a dictionary (a vector), or a
            list of these (the attribute is repeated).  ``{"TEMPLATE": {…}}`` is a document: it is written as XML.

    Returns:
        str: for one.*.allocate, update and every other method that takes a template.

    Raises:
        OneTemplateException: a name or value that the server would refuse, change or lose.
    """
    root = _root(template)
    attributes = list(_attributes(template[root] if root else template))
    if root or any(_HAZARD.search(text) for dummy, text in _texts(attributes)):
        return _xml(root or "TEMPLATE", attributes)
    return "\n".join("%s=%s" % (name, _text(value)) for name, value in attributes)


def _root(template):
    """The name of the document when the dictionary is one, else None."""
    if len(template) != 1:
        return None
    ((name, content),) = template.items()
    if not isinstance(content, dict):
        return None
    nested = any(isinstance(item, (dict, list, tuple)) for item in content.values())
    return name if name in ROOTS or nested else None


def _attributes(template):
    """(NAME, text or {NAME: text}) of every attribute, repeated ones in their order."""
    for name, value in template.items():
        name = canonical_name(name)
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(item, dict):
                yield name, {canonical_name(member): _scalar(member, text) for member, text in item.items()}
            else:
                yield name, _scalar(name, item)


def _texts(attributes):
    for name, value in attributes:
        for item in value.items() if isinstance(value, dict) else ((name, value),):
            yield item


def canonical_name(name):
    """The name as the server keeps it: upper case.

    Raises:
        OneTemplateException: it is no name of an attribute.
    """
    if not isinstance(name, str) or not _NAME.match(name):
        raise OneTemplateException(
            "%r is not a name of a template attribute: use letters, digits and underscores" % (name,)
        )
    return name.upper()


def _scalar(name, value):
    if isinstance(value, bool):
        return "YES" if value else "NO"
    if isinstance(value, (int, float)):
        return "%d" % value if isinstance(value, int) else repr(value)
    if not isinstance(value, str):
        kind = "nothing (None)" if value is None else "a %s" % type(value).__name__
        raise OneTemplateException("the attribute %s cannot be %s: give text, a number or a boolean" % (name, kind))
    bad = _FORBIDDEN.search(value)
    if bad or "]]>" in value:
        raise OneTemplateException(
            "the value of the attribute %s holds %r, which OpenNebula cannot store" % (name, bad.group() if bad else "]]>")
        )
    return value


def _text(value):
    if isinstance(value, dict):
        return "[%s]" % ", ".join("%s=%s" % (name, _text(text)) for name, text in value.items())
    return '"%s"' % value.replace('"', '\\"')


def _xml(root, attributes):
    content = "".join("<%s>%s</%s>" % (name, _content(value), name) for name, value in attributes)
    return "<%s>%s</%s>" % (root, content, root)


def _content(value):
    if isinstance(value, dict):
        # A vector without members would be read as an empty single value.
        return "".join("<%s>%s</%s>" % (name, _content(text), name) for name, text in value.items()) or "<X/>"
    # An empty element is dropped; a blank one is stored, and 7.4 trims it to the empty value.
    # CDATA cannot carry a CR through the parser, a reference can.
    return "<![CDATA[%s]]>" % (value or " ") if "\r" not in value else _escaped(value)


def _escaped(value):
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
