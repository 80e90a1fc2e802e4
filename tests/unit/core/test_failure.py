# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a failure says: what, where, what to do."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import (
    Broken,
    Failure,
    created,
    described,
    name_option,
)
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import errors

PREFIX = "[one.image.update] "


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (errors.OneAuthenticationException("User couldn't be authenticated."), "Check api_username and api_password."),
        (errors.OneAuthorizationException(PREFIX + "User [2] : Not authorized."), "Ask for the right"),
        (errors.OneAuthorizationException("User [0] not authorized to perform action on group."), "have been removed"),
        (errors.OneAuthorizationException("User [2] not authorized to perform action on hook."), "Ask for the right"),
        (errors.OneAuthorizationException("User [0] : IMAGE is locked. [3]"), "Unlock it first (lock: none)."),
        (errors.OneAuthorizationException("User [2] : limit of 1 reached for VMS quota in VM"), "Raise the quota"),
        (errors.OneTimeoutException("no complete answer"), "or give a longer timeout."),
        (errors.OneConnectionException("cannot reach https://x"), "for https validate_certs and ca_path."),
        (errors.OneProtocolException("Method 'one.image.updat' not defined"), "This release of OpenNebula does not"),
        (errors.OneProtocolException("HTTP 404 Not Found"), "Check that api_url is the XML-RPC endpoint"),
    ],
)
def test_advice(error, said):
    message = described(error, "update image 3").message
    assert message.startswith("Cannot update image 3: ")
    assert said in message
    assert message.endswith(".")
    assert PREFIX not in message


def test_no_advice_is_better_than_a_guess():
    error = errors.OneInternalException("[one.host.delete] Cannot delete host. It has VMs.", "one.host.delete", 0x2000)
    failure = described(error, "remove host 3", object="host")
    assert failure.message == "Cannot remove host 3: Cannot delete host. It has VMs."
    assert failure.data == {"method": "one.host.delete", "code": 0x2000, "object": "host"}


def test_the_end_of_what_the_server_says_is_one_full_stop():
    for said in ("No X.", "No X", "No X...", " No X. "):
        error = errors.OneInternalException(said, "one.host.delete", 0x2000)
        assert described(error, "remove host 3").message == "Cannot remove host 3: No X."


@pytest.mark.parametrize("end", ["X", "it has X"])
def test_only_full_stops_are_taken_from_its_end(end):
    assert described(errors.OneInternalException(end), "remove host 3").message == f"Cannot remove host 3: {end}."


def test_a_failure_is_its_message_also_for_those_who_know_only_exceptions():
    failure = Failure("No host 3.", id=3)
    assert (failure.args, str(failure), failure.data) == (("No host 3.",), "No host 3.", {"id": 3})


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Failure, "No network. It was created, with id 7; the next run goes on from there."),
        (Broken, "No network. It was created, with id 7."),
    ],
)
def test_that_an_object_was_created_is_told(kind, said):
    failure = kind("No network.")
    created(failure, 7)
    assert failure.message == str(failure) == said


@pytest.mark.parametrize(
    ("option", "said", "hint"),
    [
        ("admins", "There is no user 'eve'.", " This is about the option admins."),
        ("admins", "There is no admin 'eve'.", ""),
        ("admins", "The option users takes names.", ""),
        ("capacity", "There is no user 'eve'.", ""),
        (None, "There is no user 'eve'.", ""),
    ],
)
def test_a_failure_names_its_option_once_if_the_task_has_it(option, said, hint):
    failure = Failure(said)
    failure.option = option
    name_option(failure, {"admins": ["eve"], "name": "web"})
    assert failure.message == said + hint
