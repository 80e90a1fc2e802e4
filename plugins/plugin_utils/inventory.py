# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the inventories share: a pool becomes records, records become hosts, variables and groups."""

from __future__ import annotations

import os
from collections import Counter

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var

from ..module_utils._attributes.labels import split_labels
from ..module_utils._core.argument_specs import CONNECTION
from ..module_utils._core.cloud import Cloud, connect
from ..module_utils._core.failure import Failure

TEMPLATED = ("api_url", "api_username", "api_password")  # so that lookups can bring them


class OneInventory(BaseInventoryPlugin, Constructable, Cacheable):
    """An inventory of one pool.

    A plugin names its file SUFFIX and its FILTERS (options that decide what is read), and says how the pool is read.
    """

    SUFFIX = ""
    FILTERS = ()

    def records(self, cloud):
        """The objects of the pool.

        Args:
            cloud (Cloud)

        Returns:
            list[dict]: host variables (JSON values), among them one_id (int) and one_name (str).

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
        self._read_config_data(path)
        try:
            records = self._cached(path, cache)
        except (Failure, AnsibleError) as error:
            raise AnsibleParserError(str(error)) from None
        names = unique_names([(record["one_id"], record["one_name"]) for record in records])
        for record in records:
            self._add(names[record["one_id"]], wrap_var(record))

    def _cached(self, path, cache):
        """The records, from the cache when that is wanted and has them; otherwise read, and kept."""
        options = self._connection()
        key = self.get_cache_key(path + repr(self._identity(options)))
        if cache and self.get_option("cache"):
            try:
                return self._cache[key]
            except KeyError:
                pass  # not there, or too old
        records = self.records(Cloud(connect(options, read_only=True)))
        if self.get_option("cache"):
            self._cache[key] = records
        return records

    def _connection(self):
        options = {name: self.get_option(name) for name in CONNECTION}
        for name in TEMPLATED:
            if options[name] is not None:
                options[name] = self.templar.template(options[name])
        return options

    def _identity(self, options):
        """What makes another answer of the same file: where it is asked, who asks, what for."""
        who = options["api_username"] or os.environ.get("ONE_AUTH")
        return [options["api_url"], who] + [self.get_option(name) for name in self.FILTERS]

    def _add(self, host, variables):
        self.inventory.add_host(host)
        for name, value in variables.items():
            self.inventory.set_variable(host, name, value)
        for word in self.get_option("group_by"):
            for value in group_values(variables, word):
                group = self._sanitize_group_name("%s_%s" % (word, value))
                self.inventory.add_child(self.inventory.add_group(group), host)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host, strict=strict)


def group_values(variables, word):
    """The texts that the groups of `word` are named after: one_WORD, or each of the list one_WORDs."""
    if "one_%ss" % word in variables:
        return variables["one_%ss" % word]
    value = variables["one_%s" % word]
    return [] if value in (None, "") else [value]


def unique_names(objects):
    """Names as they are, with ``-ID`` behind those that several objects have.

    Args:
        objects (list[tuple[int, str]]): id and name.

    Returns:
        dict[int, str]: id → name.
    """
    counts = Counter(name for dummy, name in objects)
    taken = {name for name, count in counts.items() if count == 1}
    names = {}
    for oid, name in sorted(objects):
        unique = name if counts[name] == 1 else "%s-%d" % (name, oid)
        while counts[name] > 1 and unique in taken:
            unique += "-%d" % oid
        taken.add(unique)
        names[oid] = unique
    return names


def labels(attributes):
    """The labels in an attribute LABELS.

    Args:
        attributes (dict): a template.

    Returns:
        list[str]: sorted, each once, as they are written; ``a/b`` is a label below ``a``.
    """
    text = attributes.get("LABELS", "")
    return sorted(set(split_labels(text))) if isinstance(text, str) else []
