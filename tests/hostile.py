# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Texts that other users of a cloud may write to do harm: evaluated, obeyed by a terminal, or breaking a form."""

from __future__ import annotations

import re

# What a terminal obeys, but for line breaks and tabs; and what turns or hides text.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
HOSTILE = {
    "expression": "{{ lookup('pipe', 'touch %(proof)s') }}",
    "statement": "{%% if lookup('pipe', 'touch %(proof)s') %%}x{%% endif %%}",
    "comment": "{# x #}",
    "c1": "red \x9b31m",
    "delete": "gone\x7f\x7f\x7f",
    "right to left": "a\u202egpj.exe",
    "entity": "<script>alert(1)</script>&amp;&#27;",
    "quotes": "a'b\"c\\d",
    "yaml": "- x: !!python/object/apply:os.system [touch %(proof)s]",
    "path": "../../etc/passwd",
    "long": "L" * 120,
    "lines": "a\nb: c\n- d\n# e",
    "separators": "a\u2028b\u0085c\td",
    "hidden": "a\u200bb\u2066c\ufeff",
    "escape": "\\x1b[2J\\033]0;x\\007",
    "attribute": '" onmouseover="alert(1)',
    "option": "-rf",
    "colon": "a: b # c",
    "all": "all",
    "tag": "!!python/name:os.system",
    "bidirectional": "\u202ba\u202cb\u200f",
}
EVALUATED = ("expression", "statement", "yaml")  # those that create a file `proof`
