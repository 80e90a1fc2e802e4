# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Texts of CONTEXT, in which OpenNebula replaces variables, and start scripts."""

from __future__ import annotations

import base64
import re

from .._core.failure import Failure

SCRIPT, ENCODED = "START_SCRIPT", "START_SCRIPT_BASE64"
OTHER_VARIABLES = ("FILES_DS",)  # $FILE[IMAGE="…"], which another parser reads
# Text up to a variable, and a variable: $NAME, $NAME[MEMBER] or $NAME[MEMBER, MEMBER=VALUE]. What must not follow are
# characters of its grammar, and a new line before a word (OpenNebula's parser, the same in releases 6.10 to 7.4).
TEXT = re.compile(r"(?:[^$\\]|\\.|\\\Z)*", re.S)
VARIABLE = re.compile(
    r"\$\w+(?:\[[ \t]*\w+(?:[ \t]*,[ \t]*\w+[ \t]*=[ \t]*(?:\"[^\"]*\"|[A-Za-z0-9]+))?[ \t]*\])?"
    r"(?!\w|[ \t]*[=,\]]|\[|\n+[\w\[])",
    re.A,
)


def refused_at(text):
    """The position of the first ``$`` that OpenNebula refuses, as it begins no variable; None: there is none."""
    at = 0
    while True:
        before = TEXT.match(text, at)
        at = before.end() if before else at
        if at == len(text):
            return None
        variable = VARIABLE.match(text, at)
        if variable is None:
            return at
        at = variable.end()


def require_variables(context, where):
    """Raises Failure when a text of CONTEXT has a ``$`` that OpenNebula would refuse; none of the text is shown.

    Args:
        context (dict): NAME → text.
        where (str): that has it, for the message.
    """
    for name, text in context.items():
        at = None if name in OTHER_VARIABLES else refused_at(text)
        if at is None:
            continue
        line = text[:at].count("\n") + 1
        message = "%s of CONTEXT in %s has a $ in line %d that begins no variable of OpenNebula, which would refuse it."
        advice = (
            " Give the script by the option start_script." if name == SCRIPT else " Leave it out, or encode the text."
        )
        raise Failure(message % (name, where, line) + advice, object="vm")


def encoded(text):
    """A text in base64, in which OpenNebula replaces nothing."""
    return base64.b64encode(text.encode()).decode()
