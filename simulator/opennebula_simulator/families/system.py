# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The server itself: release, configuration, database."""

from __future__ import annotations

import re

from .. import federation
from ..calls import Call, Method
from ..errors import internal, wrong_action

SECTION = re.compile(r"<(DB)>(.*?)</\1>", re.DOTALL)
VALUE = re.compile(r"<!\[CDATA\[.*?\]\]>", re.DOTALL)


def version(call: Call) -> str:
    return call.cloud.release.name


def config(call: Call) -> str:
    """The configuration in effect; how to reach the database is for those whose primary group is oneadmin."""
    shown = call.cloud.config.render("OPENNEBULA_CONFIGURATION")
    if call.gid == 0:
        return shown
    return SECTION.sub(lambda found: VALUE.sub("***", found.group(0)), shown)


def sql(call: Call, *arguments: object) -> str:
    if call.uid != 0:
        raise call.unauthorized(on="-")
    if arguments[1:] == (True,) and call.cloud.federation.mode == federation.SLAVE:
        raise wrong_action("SQL command has to be executed on a master zone")
    raise internal("The simulator keeps its objects in memory: there is no database to ask.")


METHODS = [
    Method("one.system.version", "", version, reads=True),
    Method("one.system.config", "", config, reads=True),
    Method("one.system.sql", "sql:string, federate:boolean", sql),
    Method("one.system.sqlquery", "sql:string", sql, reads=True),
]
