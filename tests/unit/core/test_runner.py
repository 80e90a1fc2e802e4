# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The runner of steps, against servers and guests that the simulator does not play."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import TimeOver
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Step
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import states, transitions
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.runner import Run, _summary, together
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.state_names import (
    LCM_NAMES,
    STATE_NAMES,
    lcm_name,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.transitions import Reach


def seen(word, **said):
    """A VM in a state, by the name that OpenNebula has for it."""
    active = word in LCM_NAMES
    return SimpleNamespace(
        ID=7,
        NAME="db",
        STATE=3 if active else STATE_NAMES.index(word),
        LCM_STATE=LCM_NAMES.index(word) if active else 0,
        USER_TEMPLATE=said,
        HISTORY_RECORDS=None,
    )


class Server:
    """Keeps what is asked; refuses what `refused` names."""

    def __init__(self, *refused):
        self.asked = []
        self.refused = refused

    def call(self, doing, method, action, oid, **data):
        self.asked.append(action)
        if action in self.refused:
            raise Failure(f"Cannot {doing}: wrong state", code=0x0800)


def advanced(server, steps, looks, **more):
    """A Run after a series of looks; texts are states to reach."""
    steps = [Reach(step) if isinstance(step, str) else step for step in steps]
    found = Run(looks[0], steps, **more)
    for item in looks:
        if not found.over:
            found.advance(server, item)
    return found


def test_a_guest_that_does_not_heed_is_no_endless_wait():
    server = Server()
    looks = [seen("RUNNING"), seen("SHUTDOWN"), seen("RUNNING")]
    found = advanced(server, ["done"], looks)
    assert server.asked == ["terminate"]
    assert found.failure.message == (
        "VM db was asked to terminate, and is running again. Give hard: true to do it without the guest."
    )


def test_a_state_that_changes_late_is_waited_for():
    """one.vm.action resume only triggers: the first look may still see the old state."""
    server = Server()
    looks = [seen("SUSPENDED"), seen("SUSPENDED"), seen("BOOT_SUSPENDED"), seen("RUNNING")]
    found = advanced(server, ["running"], looks)
    assert (found.over, found.failure, server.asked) == (True, None, ["resume"])


def test_an_action_that_another_run_has_asked_for_is_no_failure():
    server = Server("poweroff")
    found = advanced(server, ["poweredoff"], [seen("RUNNING"), seen("SHUTDOWN_POWEROFF"), seen("POWEROFF")])
    assert (found.over, found.failure, server.asked) == (True, None, ["poweroff"])


def test_an_action_that_is_refused_for_good_fails():
    found = advanced(Server("poweroff"), ["poweredoff"], [seen("RUNNING"), seen("RUNNING")])
    assert "wrong state" in found.failure.message


def test_an_error_of_a_driver_ends_the_way_at_once():
    looks = [seen("RUNNING", ERROR="old"), seen("RUNNING", ERROR="Error executing shutdown")]
    found = advanced(Server(), ["poweredoff"], looks)
    assert found.failure.message == "VM db has failed: Error executing shutdown."
    old = advanced(Server(), ["poweredoff"], [seen("RUNNING", ERROR="old"), seen("RUNNING", ERROR="old")])
    assert not old.over


def test_a_step_that_fails_behind_a_power_off_does_not_leave_the_vm_off():
    def run(cloud):
        raise Failure("Not enough memory.")

    server = Server()
    step = Step("resize", run=run, states=frozenset(("poweredoff",)), transient=True)
    looks = [seen("RUNNING"), seen("SHUTDOWN_POWEROFF"), seen("POWEROFF"), seen("POWEROFF"), seen("RUNNING")]
    found = advanced(server, ["poweredoff", step, "running"], looks)
    assert (found.over, server.asked) == (True, ["poweroff", "resume"])
    assert found.failure.message == "Not enough memory."


def test_forced_actions_and_those_that_cannot_be():
    server = Server()
    advanced(server, ["undeployed"], [seen("HOLD"), seen("PENDING"), seen("RUNNING")], hard=True)
    assert server.asked == ["release", "undeploy-hard"]


@pytest.mark.parametrize("wanted", [word for word in transitions.ACTIONS if word != "held"])
def test_there_is_a_road_from_every_state_that_a_vm_rests_in(wanted):
    for present in states.RESTING - {"done", wanted}:
        way = [present]
        while way[-1] != wanted and len(way) < 4:
            action = transitions.action(way[-1], wanted)
            assert action is not None, way
            way.append("running" if action in ("resume", "release") else wanted)
        assert way[-1] == wanted, way


def test_words_for_all_states():
    words = {states.status(seen(name)) for name in STATE_NAMES + LCM_NAMES}
    assert words - {"active", "failed"} <= states.RESTING | states.COMING
    words = {name: states.status(seen(name)) for name in LCM_NAMES}
    assert [name for name in words if words[name] == "failed"] == [n for n in LCM_NAMES if n.endswith("_FAILURE")]
    assert {words.pop(name) for name in ("RUNNING", "UNKNOWN")} == {"running", "unknown"}
    assert set(words.values()) == {"changing", "failed"}
    assert {transitions.target_state(seen(name)) for name in LCM_NAMES} <= states.RESTING | {"failed"}
    unknown = SimpleNamespace(STATE=3, LCM_STATE=99)
    assert (states.status(unknown), lcm_name(unknown)) == ("changing", "99")


SUMMARIES = [
    ([["RUNNING"], ["BOOT"], ["BOOT"], ["PENDING"]], "1 of 4 VMs done, 2 changing, 1 pending"),
    ([["RUNNING"], ["BOOT", "BOOT_FAILURE"]], "1 of 2 VMs done, 1 failed"),
    ([["BOOT"]], "db is changing"),
]


@pytest.mark.parametrize(("fleet", "line"), SUMMARIES)
def test_one_line_tells_how_far_a_fleet_is(fleet, line):
    server = Server()
    assert _summary([advanced(server, ["running"], [seen(word) for word in looks]) for looks in fleet]) == line


def test_many_failures_are_one_message_and_those_of_the_waiting_one_sentence():
    late = [TimeOver(5, [f"vm{number} is pending"]) for number in range(12)]
    states = "; ".join(f"vm{number} is pending" for number in range(10))
    assert together([Failure("No."), *late]) == (
        f"No. Gave up waiting after 5 s: {states}; and 2 more. Give a longer wait_timeout, or wait: false."
    )
    assert together([Failure("No."), Failure("No.")]) == "No."
