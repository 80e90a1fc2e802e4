# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a failure says: what, where, what to do."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core import failure
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


@pytest.mark.parametrize(("status", "said"), [(401, "Check api_username and"), (403, "account of OneFlow")])
def test_advice_about_an_account_says_whose(status, said):
    """OneFlow answers 401 to a wrong password, and 403 where OpenNebula refuses OneFlow."""
    error = errors.OneAuthenticationException("User couldn't be authenticated, aborting call")
    error.status = status
    assert said in described(error, "list the services").message


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


# ---------------------------------------------------------------- texts


def test_many_texts_are_told_by_the_first_ten():
    assert failure.listed([]) == ""
    assert failure.listed([1, "b"]) == "1, b"
    assert failure.listed(range(10)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert failure.listed(range(12), "; ") == "0; 1; 2; 3; 4; 5; 6; 7; 8; 9; and 2 more"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü €", "plain ü €"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("\x1b[31mred\r", "\\x1b[31mred\\r"),
        ("\x00\x08\x0b\x1f\x7f\x9f\xad", "\\x00\\x08\\x0b\\x1f\\x7f\\x9f\\xad"),
        ("\u200b\u202e\u2066\ufeff\ud800", "\\u200b\\u202e\\u2066\\ufeff\\ud800"),
        ("x" * 20000, "x" * 20000),
        ("x" * 20007, "x" * 20000 + "… (and 7 more characters)"),
    ],
)
def test_what_a_terminal_obeys_is_shown_as_what_it_is(text, shown):
    assert failure.printable(text) == shown
    assert failure.one_line(text) == shown.replace("\n", "\\n").replace("\t", "\\t")


def test_a_word_that_is_nearly_right_is_suggested():
    assert failure.did_you_mean("imag", ["image", "host"]) == " Did you mean image?"
    assert failure.did_you_mean("imag", {"image": 1, "images": 2}) == " Did you mean image?"
    assert failure.did_you_mean("xyz", ["image", "host"]) == ""


# ---------------------------------------------------------------- what went wrong


def error(kind, said="It is so", code=None, method="one.image.update", **more):
    found = kind(said, method, code)
    for name, value in more.items():
        setattr(found, name, value)
    return found


@pytest.mark.parametrize(
    ("found", "unclear"),
    [
        (error(errors.OneProtocolException), True),
        (error(errors.OneProtocolException, code=404), False),
        (error(errors.OneTimeoutException, sent=True), True),
        (error(errors.OneConnectionException), False),
        (error(errors.OneInternalException), False),
        (error(errors.OneInternalException, "Could not connect to the federation master"), True),
        (error(errors.OneActionException, "Cannot add user at federation master"), True),
        (error(errors.OneActionException, "Cannot add user in federation master"), True),
        (error(errors.OneActionException, "Cannot add user on federation master"), False),
    ],
)
def test_a_request_may_have_been_carried_out(found, unclear):
    assert failure.unclear(found) is unclear
    assert described(found, "do it").unclear is unclear


@pytest.mark.parametrize(
    ("kind", "unreachable"),
    [
        (errors.OneAuthenticationException, True),
        (errors.OneConnectionException, True),
        (errors.OneTimeoutException, True),
        (errors.OneProtocolException, False),
        (errors.OneAuthorizationException, False),
    ],
)
def test_a_server_that_nobody_can_ask_ends_all(kind, unreachable):
    assert isinstance(described(error(kind), "do it"), failure.Unreachable) is unreachable


def test_what_the_server_says_comes_before_more_and_advice():
    found = error(errors.OneNoExistsException, "[one.image.info] Error getting image [7].", 0x0400, "one.image.info")
    told = described(found, "read image 7", "It was there.", object="image", id=7)
    assert told.message == (
        "Cannot read image 7: Error getting image [7]. It was there. It may have been removed meanwhile."
    )
    assert told.data == {"method": "one.image.info", "code": 0x0400, "object": "image", "id": 7}
    assert told.of_what_is_gone
    assert not described(error(errors.OneActionException, code=0x0800), "do it").of_what_is_gone
    assert (told.option, told.unclear, str(told)) == (None, False, told.message)


def test_a_method_that_the_server_does_not_have_names_its_release():
    found = error(errors.OneProtocolException, "Method 'one.vm.exec' not defined", -506, "one.vm.exec")
    told = described(found, "run it", object="vm")
    assert told.message == "Cannot run it: this needs OpenNebula 7.2 or newer."
    assert told.data == {"method": "one.vm.exec", "code": -506, "object": "vm"}
    for other in (
        error(errors.OneProtocolException, "Method 'x' not defined", -506, None),
        error(errors.OneProtocolException, "Method 'x' not defined", -507, "one.vm.exec"),
    ):
        assert described(other, "run it").message == (
            "Cannot run it: Method 'x' not defined. This release of OpenNebula does not have it."
        )


def test_a_fault_of_the_collection_asks_to_be_reported():
    with pytest.raises(KeyError) as caught:
        raise KeyError("x")
    found = failure.fault(caught.value)
    assert found.message == ("This is a fault of the collection privazio.opennebula, please report it: KeyError: 'x'.")
    assert found.data["exception"].startswith("Traceback (most recent call last):\n")
    assert found.data["exception"].endswith("KeyError: 'x'\n")
    assert failure.fault(RecursionError("deep")).message == (
        "What the task is given, or what OpenNebula has answered, is nested too deeply."
    )
