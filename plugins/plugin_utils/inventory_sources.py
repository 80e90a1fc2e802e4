# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where an inventory reads: servers, and zones of federations, asked side by side."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from ansible.constants import LOCALHOST
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.utils.display import Display

from ..module_utils._core.argument_specs import CONNECTION
from ..module_utils._core.cloud import connect, secrets_of
from ..module_utils._core.failure import Failure, described
from ..module_utils.pyone import OneException
from ..module_utils.pyone.helpers import pool_all
from ..module_utils.pyone.pool_stream import pool_stream
from ..module_utils.pyone.signature import parameters
from .plugin_options import refuse_unknown

ALL_ZONES = "all"
# What an item of the option servers may have; what it lacks is that of the whole file, which knows the environment.
SERVER = {
    name: {key: spec[key] for key in spec if key not in ("default", "fallback")}
    for name, spec in CONNECTION.items()
    if name not in ("secret_names", "warn_http")  # of the whole inventory
}
SERVER.update(api_authfile={"type": "path"}, name={"type": "str"}, zones={"type": "list", "elements": "str"})
NAMES = {*SERVER, *(alias for spec in SERVER.values() for alias in spec.get("aliases", ()))}
AT_ONCE = 16  # servers that are asked at the same time
# What pools are called in messages, and what they are asked for beside all that the user may see.
POOLS = {
    "clusterpool": "clusters",
    "hostpool": "hosts",
    "templatepool": "VM templates",
    "vmgrouppool": "VM groups",
    "vmpool": "VMs",
    "zonepool": "zones",
}


class Source:
    """One OpenNebula that an inventory reads.

    Args:
        server (str): what the inventory calls it; empty where there is only one.
        options (dict): SERVER; zones are those that are wanted.
        zone (str): name of the zone; empty where zones were not asked for.
    """

    def __init__(self, server, options, zone=""):
        self.server = server
        self.zone = zone
        self.options = options
        self._client = None
        self._names = {}

    def __str__(self):
        return " / ".join(part for part in (self.server, self.zone) if part)

    def covered(self, text):
        """A text without the secrets of the connection, which the server may have repeated."""
        try:
            return secrets_of(_with_authfile(self.options)).cover(text)
        except Failure:  # the file cannot be read, so nothing of it was sent
            return secrets_of(self.options).cover(text)

    def pool(self, pool, **arguments):
        """The objects of a pool, one after the other, page by page or, where it has none, as its answer arrives.

        Raises:
            Failure: a call failed.
        """
        try:
            if self._client is None:
                self._client = connect(_with_authfile(self.options), read_only=True, warn=Display().warning)
            read = pool_all if parameters(pool + ".info") else pool_stream
            yield from read(pool, self._client, **arguments)
        except OneException as error:
            failure = described(error, "list the %s" % POOLS[pool])
            failure.message = self.covered(failure.message)
            raise failure from None

    def names(self, pool):
        """id → name of the objects of a pool that the user may see; read once."""
        if pool not in self._names:
            self._names[pool] = {item.ID: item.NAME for item in self.pool(pool)}
        return self._names[pool]

    def zones(self):
        """A Source for each zone of the federation that is wanted (names, or ``all``); itself where none is.

        Raises:
            Failure: a call failed, or there is no such zone.
        """
        wanted = self.options["zones"]
        if not wanted:
            return [self]
        known = {zone.NAME: text_of(zone.TEMPLATE, "ENDPOINT") for zone in self.pool("zonepool")}
        missing = [name for name in wanted if name not in known and name != ALL_ZONES]
        if missing:
            raise Failure("There is no zone %r; there are: %s." % (missing[0], ", ".join(sorted(known))))
        chosen = sorted(known) if ALL_ZONES in wanted else wanted
        return [Source(self.server, self._at(known[name]), name) for name in chosen]

    def _at(self, endpoint):
        # Without a federation the zone has no endpoint ("-"), or one that is good on the front-end only.
        own = "://" not in endpoint or (is_local(endpoint) and not is_local(self.options["api_url"] or ""))
        return self.options if own else dict(self.options, api_url=endpoint)


def is_local(url):
    return urlsplit(url).hostname in LOCALHOST


def text_of(template, name):
    value = (template or {}).get(name)
    return value if isinstance(value, str) else ""


def _with_authfile(options):
    """Connection options with the user and the password of api_authfile, unless they are given."""
    path = options.get("api_authfile")
    if not path or options.get("api_username") or options.get("api_password"):
        return options
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as stream:
            user, colon, password = stream.readline().strip().partition(":")
    except OSError as error:
        raise Failure("Cannot read api_authfile %s: %s." % (path, error.strerror)) from None
    if not colon:
        raise Failure("The first line of api_authfile %s is not user:password." % path)
    return dict(options, api_username=user, api_password=password)


def servers(shared, items):
    """The Source of each item of the option servers, zones aside.

    Args:
        shared (dict): what holds for all: SERVER.
        items (list[dict] | None): each overrides some of it; None: the only server is that of `shared`.

    Raises:
        Failure: an item has an option that is unknown, or a value of the wrong type.
    """
    if items is None:
        return [Source("", shared)]
    names = [item["name"] for item in items if isinstance(item, dict) and item.get("name") is not None]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise Failure("Several items of the option servers have the name %r." % twice[0])
    validator = ArgumentSpecValidator(SERVER)
    return [_server(shared, validator, item) for item in items]


def _server(shared, validator, item):
    if not isinstance(item, dict):
        raise Failure("The option servers takes a list of dictionaries, not %r." % (item,))
    refuse_unknown(item, NAMES, "An item of the option servers")
    result = validator.validate(item)
    if result.error_messages:
        raise Failure("In the option servers: %s." % result.error_messages[0].rstrip("."))
    given = {name: value for name, value in result.validated_parameters.items() if value is not None}
    options = dict(shared, **given)
    if "api_authfile" in given:  # goes before a user that holds for all
        options.update((name, given.get(name)) for name in ("api_username", "api_password"))
    return Source(given.get("name") or _place(options), options)


def _place(options):
    return urlsplit((options["api_url"] or "").split(",")[0]).netloc.rpartition("@")[2]


def side_by_side(work, sources):
    """What work(source) returns for each, or the Failure that it raised; in order."""

    def attempt(source):
        try:
            return work(source)
        except Failure as failure:
            if str(source):
                failure.message = "%s: %s" % (source, failure.message)
            return failure

    if len(sources) < 2:
        return [attempt(source) for source in sources]
    with ThreadPoolExecutor(min(AT_ONCE, len(sources))) as pool:
        return list(pool.map(attempt, sources))
