# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: guest
short_description: Run tasks in OpenNebula virtual machines through the QEMU guest agent
version_added: 1.0.0
description:
  - Runs commands and transfers files through C(one.vm.exec) of OpenNebula. Neither a network between the controller and
    the guest nor a login is needed.
  - A module costs one command of the guest agent, because O(pipelining) is on by default.
author:
  - Contributors to the privazio.opennebula collection (@privazio)
extends_documentation_fragment:
  - privazio.opennebula.connection.plugin
options:
  vm:
    description:
      - Id or name of the virtual machine. The host of the inventory if omitted.
      - The inventory P(privazio.opennebula.one_vms#inventory) sets C(one_id), which saves a search for the name.
    type: str
    vars:
      - name: inventory_hostname
      - name: one_id
      - name: ansible_opennebula_vm
  pipelining:
    description:
      - Send modules on the standard input of Python, instead of as files.
    type: bool
    default: true
    vars:
      - name: ansible_pipelining
  command_timeout:
    description:
      - How long one command may take, in seconds. A command that takes longer is ended and the host is unreachable.
    type: float
    default: 1800
    vars:
      - name: ansible_opennebula_command_timeout
  max_output:
    description:
      - How many bytes of output, compressed, come with one command. More is asked for in pieces of this size.
      - OpenNebula reports the commands that ended on a host within five seconds in one message of 64 KiB. Give more
        where few virtual machines of a host run tasks at the same time, and large files are fetched.
    type: int
    default: 8192
    vars:
      - name: ansible_opennebula_max_output
  clear_input:
    description:
      - Run C(/bin/true) after each command, so that OpenNebula keeps that instead of the command and its input.
      - The next command has to wait until it has ended.
    type: bool
    default: false
    vars:
      - name: ansible_opennebula_clear_input
notes:
  - Needs OpenNebula 7.2 or newer, KVM, and C(qemu-guest-agent) in the guest, with C(guest-exec) allowed. The guest
    needs C(sh), C(base64), C(gzip), C(head), C(tail) and C(wc); most modules need Python.
  - The guest agent runs as root. With C(become) tasks run as other users; passwords for that are not asked for.
  - OpenNebula keeps the last command and its input in the template of the virtual machine, where all can read them who
    may use the virtual machine. The arguments of tasks, secrets among them, are part of the input. See O(clear_input).
  - OpenNebula reports the end of a command every five seconds (C(EXEC_VM) in C(monitord.conf)), so tasks take that
    long. All virtual machines are watched with one call of the API.
"""

import os
from hashlib import sha256

from ansible import constants
from ansible.errors import AnsibleConnectionFailure, AnsibleFileNotFound
from ansible.module_utils.common.text.converters import to_native
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display

from ..module_utils._core.argument_specs import CONNECTION
from ..module_utils._core.cloud import Cloud, connect, secrets_of
from ..module_utils._core.failure import Failure
from ..module_utils._core.numbers import is_whole
from ..module_utils._core.secrets import Secrets
from ..plugin_utils.guest import Guest, GuestClock, Looks
from ..plugin_utils.plugin_options import refuse_values

CHUNK = 4 * 1024 * 1024  # bytes of a file that are held at once
ABSENT = 3  # exit code of `SIZE`
SIZE = "[ -f %(path)s ] || exit 3; wc -c <%(path)s"


class Connection(ConnectionBase):
    """Tasks in the guest of a VM."""

    transport = "privazio.opennebula.guest"
    has_pipelining = True
    has_tty = False
    default_user = "root"

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._guest = None
        self._secrets = Secrets()

    def set_options(self, task_keys=None, var_options=None, direct=None):
        """Sets the options; a value that is neither true nor false is a failure."""
        try:
            refuse_values(direct or {}, self.option_definitions, var_options or {})
        except Failure as failure:
            raise self._failure(failure) from None
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)

    def _connect(self):
        if not self._connected:
            try:
                self._guest = self._found()
            except Failure as failure:
                raise self._failure(failure) from None
            self._connected = True
        return self

    def _found(self):
        options = {name: self.get_option(name) for name in CONNECTION}
        self._secrets = secrets_of(options)
        cloud = Cloud(connect(options, warn=Display().warning), clock=GuestClock(), secrets=self._secrets)
        given = str(self.get_option("vm"))
        vm = cloud.info("vm", int(given)) if is_whole(given) else None
        if vm is None:
            vm = cloud.reference("vm", given)
        access = repr([options["api_url"], options["api_username"], os.environ.get("ONE_AUTH")])
        folder = os.path.join(constants.DEFAULT_LOCAL_TMP, "one-%s" % sha256(access.encode()).hexdigest()[:16])
        settings = [self.get_option(name) for name in ("command_timeout", "max_output", "clear_input")]
        return Guest(Looks(cloud, folder), vm.ID, vm.NAME, *settings)

    def exec_command(self, cmd, in_data=None, sudoable=True):
        """Runs a shell command; its exit code, standard output and standard error (bytes).

        Raises:
            AnsibleConnectionFailure: it could not be run.
        """
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        Display().vvv("EXEC %s" % to_native(cmd), host=self.get_option("vm"))
        return self._shell_command(to_native(cmd), in_data or b"")

    def _shell_command(self, command, entered=b""):
        try:
            return self._guest.shell(command, entered)
        except Failure as failure:
            raise self._failure(failure) from None

    def _failure(self, failure):
        return AnsibleConnectionFailure(self._secrets.message(failure.message))

    def put_file(self, in_path, out_path):
        """Copies a file of the controller into the guest.

        Raises:
            AnsibleFileNotFound: it is not there.
            AnsibleConnectionFailure: it could not be written.
        """
        super().put_file(in_path, out_path)
        Display().vvv("PUT %s TO %s" % (in_path, out_path), host=self.get_option("vm"))
        try:
            with open(in_path, "rb") as stream:
                self._write(stream, out_path)
        except FileNotFoundError:
            raise AnsibleFileNotFound("There is no file %s to copy." % to_native(in_path)) from None

    def _write(self, stream, out_path):
        chunk, operator = stream.read(CHUNK), ">"
        while chunk or operator == ">":
            self._must("cat %s %s" % (operator, self._shell.quote(out_path)), "write %s" % out_path, chunk)
            chunk, operator = stream.read(CHUNK), ">>"

    def fetch_file(self, in_path, out_path):
        """Copies a file of the guest to the controller.

        Raises:
            AnsibleFileNotFound: it is not there.
            AnsibleConnectionFailure: it could not be read.
        """
        super().fetch_file(in_path, out_path)
        Display().vvv("FETCH %s TO %s" % (in_path, out_path), host=self.get_option("vm"))
        path = self._shell.quote(in_path)
        code, size, dummy = self._shell_command(SIZE % {"path": path})
        if code == ABSENT:
            raise AnsibleFileNotFound("There is no file %s in the guest." % to_native(in_path))
        with open(out_path, "wb") as stream:
            for start in range(0, int(size), CHUNK):
                command = "tail -c +%d %s | head -c %d" % (start + 1, path, CHUNK)
                stream.write(self._must(command, "read %s" % in_path))

    def _must(self, command, doing, entered=b""):
        """The output of a command that has to succeed."""
        code, found, errors = self._shell_command(command, entered)
        if code:
            said = to_native(errors, errors="surrogate_or_replace").strip()
            raise self._failure(Failure("Cannot %s in the guest: %s" % (to_native(doing), said)))
        return found

    def reset(self):
        """Nothing is kept between two commands."""

    def close(self):
        """Closes the connection to OpenNebula."""
        if self._connected:
            self._guest.cloud.one.server_close()
        self._connected = False
