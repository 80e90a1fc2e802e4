# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the inventories share: a pool becomes records, records become hosts, variables and groups."""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from fnmatch import fnmatchcase
from hashlib import sha256
from operator import itemgetter
from types import MappingProxyType

from ansible.constants import LOCALHOST
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ..module_utils._core.argument_specs import CONNECTION, refuse_deep, require_least
from ..module_utils._core.cloud import secrets_of
from ..module_utils._core.failure import Failure, printable
from ..module_utils.pyone.element import parsed
from .declaration.document import lines_of
from .inventory_facts import EMPTY, Facts, has_attributes, has_label, is_attribute, texts
from .inventory_names import nested, unique_names
from .inventory_sources import servers, side_by_side
from .plugin_options import as_texts, refuse_members, refuse_unknown, refuse_values

TEMPLATED = ("api_url", "api_username", "api_password", "servers")  # so that lookups can bring them
FEW = 12  # facts, up to which an object is looked at piece by piece
EXPRESSIONS = ("compose", "groups", "keyed_groups", "filters")
PLACES = ("one_server", "one_zone")  # facts: where an id counts
HOSTNAMES = {"name": "{name}", "id": "{id}", "name-id": "{name}-{id}"}
RESERVED = frozenset(("all", "ungrouped", *LOCALHOST))  # host names that change other hosts, or the controller

FILTERS = {
    "attributes": has_attributes,
    "clusters": lambda facts, wanted: facts["one_cluster"] in wanted or str(facts["one_cluster_id"]) in wanted,
    "labels": has_label,
    "names": lambda facts, wanted: any(fnmatchcase(facts["one_name"], pattern) for pattern in wanted),
    "states": lambda facts, wanted: facts["one_state"] in wanted,
}

if hasattr(BaseInventoryPlugin, "trusted_by_default"):  # ansible-core 2.19: what is not trusted is no template

    def unsafe(value):
        """The same value, which Ansible does not take for a template whatever it holds."""
        return value

    def condition(expression):
        """An expression that is true, or false, where the given one holds, or does not."""
        return expression

else:  # every result is a text
    from ansible.utils.unsafe_proxy import wrap_var as unsafe

    def condition(expression):
        return "true if (%s) else false" % expression


@contextmanager
def uncollected():
    """Without searches for garbage, which find none among many records, and take a fifth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class OneInventory(BaseInventoryPlugin, Constructable, Cacheable):
    """An inventory of one pool.

    A record is what is kept of an object, also in the cache: a dictionary of JSON values, by the names of facts.
    """

    SUFFIX = ""  # of the names of its files
    FACTS = MappingProxyType({})  # as Facts takes it; those without "_" are the variables that hosts can have
    MINIMAL = ()  # the facts of `facts: minimal`
    GROUPS = MappingProxyType({})  # words of group_by → facts
    FILTERS = FILTERS  # options that choose objects → test(Facts, value of the option)
    ID, LABEL = "one_id", "one_name"  # the facts that tell one object from others, and that it is called after

    def items(self, source):
        """The objects of the pool (iterable of pyone Elements).

        Args:
            source (Source)

        Raises:
            Failure: a call failed.
        """
        raise NotImplementedError

    def verify_file(self, path):
        """Whether `path` can be read and is named as a file of this plugin."""
        names = tuple("%s.%s" % (stem, end) for stem in (self.SUFFIX, "opennebula") for end in ("yml", "yaml"))
        return super().verify_file(path) and path.endswith(names)

    def parse(self, inventory, loader, path, cache=True):
        """Fills `inventory` as the file `path` says.

        Raises:
            AnsibleParserError: one sentence: what, where, what to do.
        """
        super().parse(inventory, loader, path, cache)
        self._checked = set()  # names of variables that Ansible has taken
        try:
            lines_of(path)  # refuses what is nested far too deeply: to load that ends Python
            self._configure(self._checked_config(path), path)
            with uncollected():
                self._populate(self._cached(path, cache))
        except (Failure, AnsibleError, ValueError) as error:
            raise AnsibleParserError(secrets_of(getattr(self, "options", {})).message(str(error))) from None

    # ------------------------------------------------------------ options

    def _checked_config(self, path):
        """The options that the file has, when their values are such as they take.

        Raises:
            Failure: one has a value that it does not take.
        """
        config = self.loader.load_from_file(path)
        if isinstance(config, dict):
            refuse_values(config, self.option_definitions)
            refuse_members("keyed_groups", config.get("keyed_groups"), self.option_definitions["keyed_groups"], "key")
        return self._read_config_data(path)

    def _configure(self, config, path):
        """Checks the options, and keeps them with what follows from them.

        Raises:
            Failure: there is no such option or word.
        """
        known = self.option_definitions
        names = set(known).union(*(definition.get("aliases") or () for definition in known.values()))
        refuse_unknown(config, names, os.path.basename(path))
        refuse_deep(config)
        self.options = {name: as_texts(name, self.get_option(name), known[name]) for name in known}
        require_least(self.options)
        self.options.update((name, self.templar.template(self.options[name])) for name in TEMPLATED if name in known)
        self.expressions = any(self.options[name] for name in EXPRESSIONS)
        self._choose()

    def _choose(self):
        """Finds out which facts become variables, and which are needed."""
        words = {"minimal": self.MINIMAL, "full": tuple(name for name in self.FACTS if not name.startswith("_"))}
        refuse_unknown(self.options["facts"], [*words, *words["full"]], "facts")
        groups = [word for word in self.options["group_by"] if not is_attribute(word)]
        refuse_unknown(groups, self.GROUPS, "group_by")
        self.chosen = {name for word in self.options["facts"] for name in words.get(word, (word,))}
        self.expressions = self.expressions or self.options["hostname"] not in HOSTNAMES
        facts = {self.ID, self.LABEL, *PLACES, *(self.GROUPS.get(word, word) for word in self.options["group_by"])}
        facts |= self.chosen.union(words["full"] if self.expressions else ())
        self.needed = [name for name in self.FACTS if name in facts] + sorted(facts.difference(self.FACTS))

    # ------------------------------------------------------------ records

    def _cached(self, path, cache):
        """The records, from the cache when that is wanted and has them; otherwise read, and kept."""
        key = "%s_%s" % (self.get_cache_key(path), self._identity())
        if cache and self.options["cache"]:
            try:
                return self._cache[key]
            except KeyError:
                pass  # not there, or too old
        records, failures = self._read()
        if self.options["cache"] and not failures:
            self._cache[key] = records
        return records

    def _identity(self):
        """What makes another answer of the same file: its options, and who asks."""
        options = {name: value for name, value in self.options.items() if not name.startswith("cache")}
        who = [options["api_username"], os.environ.get("ONE_AUTH"), self.needed]
        return sha256(repr([sorted(options.items(), key=str), who]).encode()).hexdigest()[:16]

    def _read(self):
        """(records of all servers, failures of those that did not answer)."""
        shared = {name: self.options.get(name) for name in (*CONNECTION, "api_authfile", "zones")}
        found = side_by_side(lambda source: source.zones(), servers(shared, self.options.get("servers")))
        failures = [each for each in found if isinstance(each, Failure)]
        sources = [source for each in found if not isinstance(each, Failure) for source in each]
        answers = side_by_side(lambda source: sorted(self._records(source), key=itemgetter(self.ID)), sources)
        failures += [each for each in answers if isinstance(each, Failure)]
        for failure in failures:
            if self.options.get("on_server_error") != "warn":
                raise failure
            self.display.warning(printable(str(failure)))
        return [record for each in answers if not isinstance(each, Failure) for record in each], failures

    def _records(self, source):
        tests = [(test, self.options[name]) for name, test in self.FILTERS.items() if self.options[name] is not None]
        for item in self.items(source):
            read = parsed(item) if len(self.needed) > FEW else item
            facts = Facts(self.FACTS, read, source, self.options)
            if all(test(facts, wanted) for test, wanted in tests):
                yield self.record(facts)

    def record(self, facts):
        """The record of an object; what is empty is left out, unless expressions may ask for it."""
        if self.expressions:
            return {name: facts[name] for name in self.needed}
        return {name: value for name in self.needed if (value := facts[name]) or value not in EMPTY}

    # ------------------------------------------------------------ hosts

    def _populate(self, records):
        records = [unsafe(record) for record in records]
        records = [record for record in records if self._accepted(record)]
        groups = self._groups(records)
        reserved = RESERVED.union(self.inventory.groups, *groups, self.options["groups"] or ())
        named = [(self.hostname(record), record[self.ID], place(record)) for record in records]
        hosts = list(zip(unique_names(named, reserved), records, groups, strict=True))
        for name, record, memberships in hosts:
            self._add(unsafe(name), record, memberships)
        self._construct([(unsafe(name), record) for name, record, dummy in hosts])

    def _accepted(self, record):
        """Whether the expressions of the option filters take an object; the first that holds decides."""
        scope = dict(record, inventory_hostname=record[self.LABEL])
        for rule in self.options["filters"] or ():
            kind, expression = self._rule(rule)
            if expression is True or (expression and self._holds(expression, scope)):
                return kind == "include"
        return True

    def _rule(self, rule):
        if isinstance(rule, dict) and len(rule) == 1:
            ((kind, expression),) = rule.items()
            if kind in ("include", "exclude") and isinstance(expression, (str, bool)):
                return kind, expression
        raise Failure("Each item of the option filters is include or exclude with an expression, not %r." % (rule,))

    def _holds(self, expression, scope):
        try:
            return bool(self._compose(condition(expression), scope))
        except Exception as error:
            words = (expression, scope["inventory_hostname"], error)
            raise Failure("Cannot tell whether the filter %r holds for %s: %s" % words) from None

    def hostname(self, record):
        """What the option hostname calls an object."""
        how = self.options["hostname"]
        if how in HOSTNAMES:
            found = HOSTNAMES[how].format(name=record[self.LABEL], id=record[self.ID])
            where = place(record)  # an id is the id of an object in one place only
            return "%s-%s" % (found, where) if where and "id" in how else found
        try:
            found = self._compose(how, record)
        except Exception as error:
            if self.options["strict"]:
                words = (how, record[self.LABEL], error)
                raise Failure("Cannot tell the hostname %r of %s: %s" % words) from None
            found = None
        return str(found) if found not in EMPTY else record[self.LABEL]

    def variables(self, record):
        """The variables of a host: name → value."""
        return {name: record[name] for name in self.chosen if record.get(name) not in EMPTY}

    def group_keys(self, record):
        """What the groups of a host are made of.

        Returns:
            list[tuple[str, str]]: word of group_by, and the value that the group is named after.
        """
        words = ((word, record.get(self.GROUPS.get(word, word))) for word in self.options["group_by"])
        return [(word, value) for word, fact in words for value in values(fact)]

    def group_path(self, word, value):
        """The names of the groups of a key, the last in the one before; none, if it makes no name."""
        path = nested(value) if word == "label" else [value]
        return [self._sanitize_group_name("%s_%s" % (word.lower(), one)) for one in path]

    def _groups(self, records):
        """The names of the groups of each record; the groups are there, each below its parent."""
        keys = [self.group_keys(record) for record in records]
        names = {key: self._grown(self.group_path(*key)) for key in sorted({key for found in keys for key in found})}
        return [[names[key] for key in found if names[key]] for found in keys]

    def _grown(self, path):
        names = [self.inventory.add_group(name) for name in path]
        for parent, child in zip(names, names[1:], strict=False):
            self.inventory.add_child(parent, child)
        return names[-1] if names else None

    def _add(self, name, record, groups):
        # Not by the names of host and group, which Ansible may take for one of the other kind.
        known = name in self.inventory.hosts
        self.inventory.add_host(name)
        host = self.inventory.hosts[name]
        self._set_variables(host, self.variables(record), merged=known)
        for group in groups:
            self.inventory.groups[group].add_host(host)

    def _set_variables(self, host, variables, merged):
        """Sets variables of a host (dict), merged with those of an earlier source where it is known from there."""
        # Ansible checks the name of each variable of each host, which takes most of the time: once is enough.
        for name in variables if merged else variables.keys() - self._checked:
            host.set_variable(name, variables[name])
        if not merged:
            self._checked.update(variables)
            host.vars.update(variables)

    def _construct(self, hosts):
        """What the options of ansible.builtin.constructed ask for; groups last, for a group may be named as a host."""
        strict = self.options["strict"]
        for add, option in (
            (self._set_composite_vars, "compose"),
            (self._add_host_to_composed_groups, "groups"),
            (self._add_host_to_keyed_groups, "keyed_groups"),
        ):
            for name, record in hosts if self.options[option] else ():
                add(self.options[option], record, name, strict=strict)


def place(record):
    """The server and the zone that an object is in, where the inventory has several, as a part of its name."""
    return "-".join(record[name] for name in PLACES if record.get(name)).replace(":", "-")  # which patterns split at


def values(fact):
    """The texts that groups are named after: of a fact that is a list each of it."""
    if isinstance(fact, list):
        return texts(fact)
    return [] if fact in EMPTY else [str(fact)]
