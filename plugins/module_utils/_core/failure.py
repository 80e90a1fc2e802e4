# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Failures as data: a sentence for a person, fields for a playbook."""

from __future__ import annotations

import re

from ..pyone.errors import (
    OneAuthenticationException,
    OneAuthorizationException,
    OneConnectionException,
    OneException,
    OneLeaderException,
    OneNoExistsException,
    OneProtocolException,
    OneTimeoutException,
)
from .releases import SINCE

NO_EXISTS = 0x0400  # error code
UNKNOWN_METHOD = -506  # XML-RPC fault of releases that do not have a method
NEEDS = "Cannot %s: this needs OpenNebula %s or newer."
# A slave of a federation says so too when the master has not answered in time.
PASSED_ON = re.compile("Could not connect to the federation master|Cannot .* (at|in) federation master")
_PREFIX = re.compile(r"^\[one\.[\w.]+\]\s*")

# What to do, by what went wrong and what was said of it; the first that fits. Locked objects and quotas have the code
# of missing rights.
ADVICE = (
    # OneFlow answers 401 to who it does not know itself.
    (
        OneAuthenticationException,
        "^HTTP 403: ",
        "OpenNebula does not take what OneFlow asks for: check the account of OneFlow (serveradmin, oneflow_auth)",
    ),
    (OneAuthenticationException, "", "Check api_username and api_password"),
    (OneAuthorizationException, r" is locked\b", "Unlock it first (lock: none)"),
    (OneAuthorizationException, r"\bquota\b", "Raise the quota, or ask for less"),
    (  # What OpenNebula 7 says, also to oneadmin, where it means the quota of SYSTEM_DISK_SIZE.
        OneAuthorizationException,
        r"^User \[\d+\] not authorized to perform action on virtual machine$",
        "A quota of the owner or the group of the VM may forbid it (SYSTEM_DISK_SIZE): raise it, or ask for less",
    ),
    # What OpenNebula says, also to oneadmin, of the quotas of a group that it does not have.
    (
        OneAuthorizationException,
        r"^User \[\d+\] not authorized to perform action on group$",
        "The group may have been removed meanwhile; if not, ask for the right to it",
    ),
    (OneAuthorizationException, "", "Ask for the right (owner, group, ACL), or use another user"),
    (OneException, r"\bzone disabled\b", "It only answers questions: enable it (one_zone, id: 0, enabled: true)"),
    (OneNoExistsException, r"\bgetting \S.* \[\d+\]", "It may have been removed meanwhile"),
    (OneLeaderException, "", "Wait until the servers of OpenNebula have elected a leader, and see onezone show"),
    (OneConnectionException, r"^OneFlow \(", "Check flow_url, and for https validate_certs and ca_path"),
    (
        OneProtocolException,
        r"^OneFlow \(",
        "Check that flow_url is the endpoint of OneFlow, such as http://frontend:2474",
    ),
    (OneTimeoutException, "", "Check that the endpoint answers, http or https, or give a longer timeout"),
    (OneConnectionException, "", "Check api_url, and for https validate_certs and ca_path"),
    (OneProtocolException, "^Method .* not defined", "This release of OpenNebula does not have it"),
    (
        OneProtocolException,
        "",
        "Check that api_url is the XML-RPC endpoint of OpenNebula, such as http://frontend:2633/RPC2",
    ),
)


MOST = 10  # texts of a kind that one message has


def listed(texts, separator=", "):
    """The first texts of many, and how many more there are.

    Args:
        texts (iterable): what is not a text is shown as one.
        separator (str)
    """
    texts = [str(text) for text in texts]
    more = ["and %d more" % (len(texts) - MOST)] if len(texts) > MOST else []
    return separator.join(texts[:MOST] + more)


# Characters that a terminal obeys, that have no shape, or that turn the direction of what is shown.
_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
LONGEST = 20000  # characters of a message; what is longer is no sentence, but what somebody has stored


def printable(text):
    """A text that can be shown: control characters escaped, but for tabs and line breaks; cut where it is very long."""
    more = len(text) - LONGEST
    cut = text if more <= 0 else "%s… (and %d more characters)" % (text[:LONGEST], more)
    return _OBEYED.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), cut)


def one_line(text):
    """A printable text without line breaks and tabs."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def did_you_mean(word, words):
    """A question after the one of `words` that is nearly `word`; empty when there is none."""
    from difflib import get_close_matches  # which only few messages need

    near = get_close_matches(word, list(words), 1)
    return " Did you mean %s?" % near[0] if near else ""


class Failure(Exception):
    """What ends a task.

    Args:
        message (str): one sentence: what, where, what to do.
        data: fields for the result of the task, for instance object, id, method, code.

    Attributes:
        unclear (bool): a request may have been carried out.
    """

    unclear = False

    def __init__(self, message, **data):
        super().__init__(message)
        self.message = message
        self.data = data
        self.option = None  # that it is about, or an attribute that stands for several; see name_option()

    @property
    def of_what_is_gone(self):
        """Whether OpenNebula knows no object with the id."""
        return self.data.get("code") == NO_EXISTS

    def __str__(self):
        return self.message  # which grows on its way up


class Broken(Failure):
    """An object has failed; waiting for it, or a further run, does not mend it."""


class Unreachable(Failure):
    """A server cannot be asked, and no other call fares better: no endpoint, no answer, or no user whom it knows."""


def name_option(failure, options):
    """Says in a failure which of the options of the task it is about, unless its message does so."""
    option = failure.option
    if option in options and not re.search(r"\boption|\b%s" % re.escape(option.rstrip("s")), failure.message):
        failure.message += " This is about the option %s." % option


def fault(error):
    """The Failure for an exception that no code expects: it may hold secrets, as its traceback may."""
    import traceback  # which only this needs

    if isinstance(error, RecursionError):
        return Failure("What the task is given, or what OpenNebula has answered, is nested too deeply.")
    text = "This is a fault of the collection privazio.opennebula, please report it: %s: %s."
    found = traceback.format_exception(type(error), error, error.__traceback__)
    return Failure(text % (type(error).__name__, error), exception="".join(found))


def created(failure, oid):
    """Says in a failure that an object was created before, with this id."""
    then = "" if isinstance(failure, Broken) else "; the next run goes on from there"
    failure.message += " It was created, with id %d%s." % (oid, then)


def described(error, doing, more="", **data):
    """The Failure for an OneException that happened while `doing` something (``create host 'web1'``).

    Args:
        error (OneException)
        doing (str)
        more (str): sentences to add to what the server said.
        data: of the Failure.
    """
    said = _PREFIX.sub("", error.message).strip().rstrip(".")
    came_with = SINCE.get((error.method or "")[4:]) if error.code == UNKNOWN_METHOD else None
    if came_with is not None:
        return Failure(NEEDS % (doing, came_with), method=error.method, code=error.code, **data)
    heard = (said, "HTTP %s: %s" % (error.status, said))
    fitting = (one[2] for one in ADVICE if isinstance(error, one[0]) and any(re.search(one[1], text) for text in heard))
    advice = next(fitting, None)
    message = "Cannot %s: %s.%s%s" % (doing, said, " " + more if more else "", " %s." % advice if advice else "")
    kind = Unreachable if isinstance(error, (OneAuthenticationException, OneConnectionException)) else Failure
    failure = kind(message, method=error.method, code=error.code, **data)
    failure.unclear = unclear(error)
    return failure


def unclear(error):
    """Whether a request that ended in an OneException may have been carried out."""
    if isinstance(error, OneProtocolException):
        return error.code is None
    if PASSED_ON.search(error.message):
        return True
    return isinstance(error, OneConnectionException) and error.sent
