# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
from __future__ import annotations

import base64
import re

import pytest

TRUE = 'COMMAND="/bin/true"'


def records(one, hook_id=-1, outcome=0):
    """The executions in the log, each as a dictionary."""
    log = one("hooklog.info", -1, -1, hook_id, outcome)[1]
    found = re.findall("<HOOK_EXECUTION_RECORD>(.*?)</HOOK_EXECUTION_RECORD>", log)
    return [dict(re.findall("<([A-Z_]+)>([^<]*)</", record)) for record in found]


@pytest.mark.parametrize(
    ("conditions", "events"),
    [
        ('RESOURCE="HOST" STATE="MONITORED"', [("host.allocate", "h", "dummy", "dummy", 0)]),
        (
            'RESOURCE="HOST" STATE="offline"',
            [("host.allocate", "h", "dummy", "dummy", 0), ("host.status", 0, 2)],
        ),
        ('RESOURCE="IMAGE" STATE="READY"', [("image.allocate", 'NAME="i" PATH="/i"', 1)]),
        ('RESOURCE="NET" STATE="READY"', [("vn.allocate", 'NAME="n" VN_MAD="dummy" BRIDGE="b"', 0)]),
        (
            'RESOURCE="VM" ON="RUNNING"',
            [("host.allocate", "h", "dummy", "dummy", 0), ("vm.allocate", 'CPU="1" MEMORY="64"', False)],
        ),
        (
            'RESOURCE="VM" ON="CUSTOM" STATE="hold" LCM_STATE="lcm_init"',
            [("vm.allocate", 'CPU="1" MEMORY="64"', True)],
        ),
        (
            'RESOURCE="VM" ON="DONE"',
            [("vm.allocate", 'CPU="1" MEMORY="64"', True), ("vm.action", "terminate", 0)],
        ),
    ],
)
def test_a_state_starts_the_hooks_that_wait_for_it_once(one, conditions, events):
    assert one("hook.allocate", f'NAME="h" TYPE="state" {conditions} {TRUE} ARGUMENTS="$TEMPLATE"') == [True, 0, 0]
    for method, *arguments in events:
        assert one(method, *arguments)[0]
        one("system.version")
    one("system.version")
    (record,) = records(one)
    assert (record["HOOK_ID"], record["EXECUTION_ID"], record["CODE"]) == ("0", "0", "0")
    assert b"<ID>0</ID>" in base64.b64decode(record["ARGUMENTS"])


def test_a_call_starts_its_hooks_whether_it_succeeds_or_not(one):
    one("hook.allocate", f'NAME="h" TYPE="api" CALL="one.template.allocate" {TRUE} ARGUMENTS="a $API"')
    one("template.allocate", 'NAME="<t>"')
    one("template.allocate", 'NAME="t"')
    one("template.info", 0)
    told = [record["ARGUMENTS"].split() for record in records(one)]
    assert [words[0] for words in told] == ["a", "a"]
    refused, made = (base64.b64decode(words[1]).decode() for words in told)
    assert "<RESULT>0</RESULT>" in refused
    assert '<TYPE>IN</TYPE><VALUE>NAME="&lt;t&gt;"</VALUE>' in refused
    assert "<RESULT>1</RESULT>" in made
    assert "<POSITION>2</POSITION><TYPE>OUT</TYPE><VALUE>0</VALUE>" in made
    assert "opennebula" not in refused + made, "the session is not shown"


def test_failures_are_told_apart_and_retried(simulator, one):
    simulator.cloud.events.failures.append(("execute", "hook-0"))
    for name in ("bad", "good"):
        one("hook.allocate", f'NAME="{name}" TYPE="api" CALL="one.template.allocate" {TRUE}')
    one("template.allocate", 'NAME="t"')
    assert [record["HOOK_ID"] for record in records(one)] == ["1", "0"]
    assert [record["HOOK_ID"] for record in records(one, outcome=-1)] == ["0"]
    assert [record["HOOK_ID"] for record in records(one, outcome=1)] == ["1"]
    simulator.cloud.events.failures.clear()
    assert one("hook.retry", 0, 0) == [True, 0, 0]
    assert [(record["CODE"], record.get("RETRY")) for record in records(one, hook_id=0)] == [("1", None), ("0", "yes")]


def test_only_the_last_executions_are_kept(one):
    one("hook.allocate", f'NAME="h" TYPE="api" CALL="one.system.version" {TRUE}')
    for dummy in range(25):
        one("system.version")
    assert [record["EXECUTION_ID"] for record in records(one)] == [str(i) for i in range(5, 25)]
    assert one("hook.info", 0)[1].count("<HOOK_EXECUTION_RECORD>") == 20
    assert "<HOOKLOG>" not in one("hookpool.info")[1]


def test_a_remote_hook_runs_where_the_object_is(one):
    remote = 'COMMAND="my/script" REMOTE="YES" ARGUMENTS_STDIN="yes" ARGUMENTS="x"'
    one("hook.allocate", f'NAME="h" TYPE="state" RESOURCE="HOST" STATE="MONITORED" {remote}')
    one("hook.allocate", f'NAME="lost" TYPE="api" CALL="one.host.allocate" {remote}')
    one("host.allocate", "h.example", "dummy", "dummy", 0)
    one("system.version")
    (record,) = records(one)
    assert record["REMOTE_HOST"] == "h.example"
    assert record["COMMAND"] == "/var/tmp/one/hooks/my/script"  # noqa: S108 a path on a host
    assert record["ARGUMENTS"] == "x"


def test_the_log_of_a_hook_goes_with_it(one):
    one("hook.allocate", f'NAME="h" TYPE="api" CALL="one.system.version" {TRUE}')
    one("system.version")
    assert records(one)
    one("hook.delete", 0)
    assert records(one) == []


def test_the_log_is_for_administrators(one):
    one("user.allocate", "alice", "pw", "core", [])
    answer = one("hooklog.info", -1, -1, -1, 0, session="alice:pw")
    assert answer[1:3] == ["[one.hooklog.info] User [2] not authorized to perform action on hook.", 512]


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ('RESOURCE="VM" ON="CUSTOM" STATE="ACTIVE" LCM_STATE="x"', "Wrong LCM_STATE: X"),
        ('RESOURCE="IMAGE" STATE="x"', "Invalid or unkown STATE condition: X"),
        ('RESOURCE="IMAGE"', "Hook STATE attribute not found or invalid"),
        ('RESOURCE="NET" STATE="init"', "Invalid STATE: INIT"),
    ],
)
def test_what_no_hook_can_wait_for(one, template, why):
    answer = one("hook.allocate", f'NAME="h" TYPE="state" {TRUE} {template}')
    assert answer[1:3] == [f"[one.hook.allocate] {why}", 8192]


def test_a_changed_state_hook_keeps_naming_its_state(one):
    one("hook.allocate", f'NAME="h" TYPE="state" RESOURCE="VM" ON="RUNNING" {TRUE}')
    assert "The STATE attribute" in one("hook.update", 0, TRUE, 0)[1]
    assert "The LCM_STATE attribute" in one("hook.update", 0, 'LCM_STATE="NOSUCH"', 1)[1]
    assert one("hook.update", 0, 'STATE="active" LCM_STATE="unknown"', 1)[0]
    assert "<LCM_STATE><![CDATA[UNKNOWN]]></LCM_STATE>" in one("hook.info", 0)[1]
