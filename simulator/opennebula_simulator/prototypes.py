# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Many objects like one: each shows the XML of a prototype with its own numbers, and is made when it is looked into.

A prototype is a real object whose numbers are so unusual that they are found again in its XML and in its attributes.
So a hundred thousand VMs take the room of a hundred thousand small objects, and a page of them the time of some joins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .store import Kind, Object
from .template import Template

Marks = Mapping[str, Callable[[Object], str]]  # text in the prototype -> what another object has there


class Prototype:
    """The object that others are like, and what they have instead of its marks."""

    def __init__(self, origin: Object, marks: Marks) -> None:
        self.origin = origin
        self.marks = marks
        self.pattern = re.compile("|".join(re.escape(mark) for mark in sorted(marks, key=len, reverse=True)))
        kind = origin.kind
        layouts = {"info": kind.layout, "list": kind.listed or ()}
        self.parts = {form: self.split("".join([show(origin) for show in layout])) for form, layout in layouts.items()}

    def split(self, text: str) -> tuple[list[str], list[str]]:
        """The texts between the marks, and the marks between the texts."""
        return self.pattern.split(text), self.pattern.findall(text)

    def values(self, obj: Object) -> dict[str, str]:
        return {mark: value(obj) for mark, value in self.marks.items()}

    def xml(self, form: str, obj: Object) -> str:
        """What `obj` shows in this form."""
        texts, marks = self.parts[form]
        values = self.values(obj)
        woven = [texts[0]]
        for text, mark in zip(texts[1:], marks, strict=True):
            woven += (values[mark], text)
        return "".join(woven)

    def fields(self, obj: Object) -> dict[str, Any]:
        """The attributes of `obj`: those of the prototype with its own numbers."""
        values = self.values(obj)
        return {name: self.own(value, values) for name, value in vars(self.origin).items()}

    def own(self, value: Any, values: dict[str, str]) -> Any:
        if isinstance(value, str):
            return self.pattern.sub(lambda found: values[found[0]], value)
        if isinstance(value, int) and not isinstance(value, bool):
            return int(values[str(value)]) if str(value) in values else value
        if isinstance(value, dict):
            return {self.own(key, values): self.own(item, values) for key, item in value.items()}
        if isinstance(value, Template):
            return Template([(name, self.own(item, values)) for name, item in value], value.last_wins)
        if isinstance(value, (list, set)):
            return type(value)(self.own(item, values) for item in value)
        return value


class Likeness(Object):
    """An object like a prototype. Its other attributes come into being when one of them is asked for."""

    def __init__(self, kind: Kind, prototype: Prototype, **known: Any) -> None:
        blank = {"lock": None, "seen_state": None, "details": ""}
        self.__dict__.update({**blank, **known}, kind=kind, _shown={}, _prototype=prototype)

    @property
    def is_pattern(self) -> bool:
        """Whether nobody has looked into it so far."""
        return self.__dict__["_prototype"] is not None

    def __getattr__(self, name: str) -> Any:
        prototype = self.__dict__.get("_prototype")
        if prototype is None or name.startswith("__"):
            raise AttributeError(name)
        self.__dict__["_prototype"] = None
        for field, value in prototype.fields(self).items():
            self.__dict__.setdefault(field, value)
        return getattr(self, name)

    def changed(self) -> None:
        """Whoever changes it needs all of it."""
        getattr(self, "template")  # noqa: B009 - reading it is what copies all
        super().changed()

    def listed(self) -> str:
        if not self.is_pattern:
            return super().listed()
        root = self.kind.root
        return f"<{root}>{self._kept('list', ())}</{root}>{self.kind.after_each(self)}"

    def _kept(self, form: str, layout: Any) -> str:
        prototype = self.__dict__["_prototype"]
        return super()._kept(form, layout) if prototype is None else prototype.xml(form, self)
