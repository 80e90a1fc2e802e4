# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Shell commands in the guest of a VM, through the QEMU guest agent (one.vm.exec).

What OpenNebula 7.4 does with a command decides the form of ours:

- Command and standard input (base64) become part of one command line, which a shell of the front end and a shell of
  the host read.  So a command has no quotes, no blanks inside its words and no new lines, and both together have less
  than the 128 KiB of one argument on Linux: longer input is sent in pieces.
- The output comes with the monitoring data of the host, in one UDP datagram for all VMs whose command has ended in the
  same period.  So only the beginning of the output comes with a command; the rest is asked for in pieces.
- The agent starts no shell and, under systemd, has no HOME.

A script carries out the shell command.  It is sent compressed and is run only if it arrived whole, as the CRC-32 of
gzip tells; the output comes back compressed, so that its CRC-32 is checked too.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import gzip
import json
import os
import secrets
import shlex
import zlib

from ..module_utils._core.failure import Failure
from ..module_utils._core.numbers import is_whole
from ..module_utils._core.values import first_vector
from ..module_utils._core.waiting import Clock, TimeOver, wait
from .guest_input import plan

LARGEST_INPUT = 90 * 1024  # bytes, 120 KiB in base64
OUTPUT = 8 * 1024  # bytes that come with a command
STATE_ACTIVE, LCM_RUNNING, LCM_HOTPLUG = 3, 3, 17
STARTED = ("", "EXECUTING")  # STATUS is not there before the agent has been reached
UNKNOWN_METHOD = -506  # XML-RPC fault of releases that do not have a method

FOLDER = "${TMPDIR:-/tmp}/.ansible-%s"
SEND_FIRST = "umask 077;mkdir %s&&cat>%s/gz"
SEND_MORE = "cat>>%s/gz"
RUN_SENT = "u=$(umask);umask 077;cat>>%s/gz&&gzip -dc<%s/gz>%s/script&&/bin/sh %s/script $u"
RUN = "u=$(umask);umask 077;mkdir %s&&gzip -dc>%s/script&&/bin/sh %s/script $u"
READ_MORE = "tail -c +%d %s/result|head -c %d"
REMOVE = ";rm -rf %s"
NOTHING = "/bin/true"

# Files that the guest keeps, see guest_input; root's alone, and removed when they have not been renewed for a month.
KEPT = "$HOME/.ansible/opennebula"
MISSING = "missing"
# What it prints: exit code, bytes of the compressed output, bytes of all; then the first of these bytes.  When a file
# is missing that the guest should have: that word.
SCRIPT = """\
folder=${0%%/*}
[ -n "$HOME" ] || { HOME=$(eval echo "~$(id -un)"); export HOME; }
kept=%(kept)s
part() { tail -c +$1 "$folder/literal" | head -c $2; }
keep() { part $2 $3 >"$kept/$1.new" && mv "$kept/$1.new" "$kept/$1"; }
kept() { cat "$kept/$1" || touch "$folder/%(missing)s"; }
encode() { base64 | tr -d '\\n'; }
base64 -d >"$folder/literal" <<'.' || exit
%(literal)s
.
%(new)s
{ :
%(lines)s
} >"$folder/in"
if [ -e "$folder/%(missing)s" ]; then echo %(missing)s; rm -rf "$folder"; exit; fi
( umask $1; exec /bin/sh -c %(command)s ) <"$folder/in" >"$folder/out" 2>"$folder/err"
code=$?
gzip -c <"$folder/out" >"$folder/result" || exit
output=$(wc -c <"$folder/result")
gzip -c <"$folder/err" >>"$folder/result" || exit
all=$(wc -c <"$folder/result")
echo $code $output $all
head -c %(shown)d "$folder/result"
[ "$all" -gt %(shown)d ] || rm -rf "$folder"
"""
PREPARE = 'mkdir -p "$kept" && chmod 700 "$kept" && find "$kept" -type f -mtime +30 -exec rm -f {} +'


class GuestClock(Clock):
    """Looks at least once a second: that is one call for all guests."""

    LONGEST = 1.0


class Looks:
    """The state of all VMs that are waited for, read in one call for all processes of a run of Ansible.

    Each worker process of Ansible serves one host. They share a folder: a file for each VM that is waited for, and what
    the last look has seen. A process that wants to look takes what another has seen since it wants to know.

    Args:
        cloud (Cloud)
        folder (str): of this run, endpoint and user; made when it is missing.
    """

    def __init__(self, cloud, folder):
        self.cloud = cloud
        self.folder = folder
        os.makedirs(folder, mode=0o700, exist_ok=True)

    def at(self, oid, since):
        """What is known of a VM.

        Args:
            oid (int)
            since (float): of the cloud's clock; what was seen before does not count.

        Returns:
            tuple[float, dict | None]: when it was looked at, and the VM as `summary` tells it; None: it is gone.
        """
        self._touch(oid)
        with open(os.path.join(self.folder, "lock"), "a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            when, vms = self._last()
            if when < since or str(oid) not in vms:
                when, vms = self._read()
        return when, vms.get(str(oid))

    def forget(self, oid):
        """A VM is not waited for any more."""
        with contextlib.suppress(FileNotFoundError):
            os.remove(self._waits(oid))

    def known(self, oid):
        """The names of the files that the guest of a VM keeps, as far as this run of Ansible has sent them (set)."""
        try:
            with open(self._kept(oid), encoding="ascii") as stream:
                return set(stream.read().split())
        except FileNotFoundError:
            return set()

    def keep_in_mind(self, oid, names):
        """The guest of a VM keeps files with these names (list); None: it keeps none."""
        with open(self._kept(oid), "a" if names is not None else "w", encoding="ascii") as stream:
            stream.writelines("%s\n" % name for name in names or ())

    def _kept(self, oid):
        return os.path.join(self.folder, "kept-%d" % oid)

    def _touch(self, oid):
        with open(self._waits(oid), "a", encoding="ascii"):
            pass

    def _waits(self, oid):
        return os.path.join(self.folder, "vm-%d" % oid)

    def _last(self):
        try:
            with open(os.path.join(self.folder, "seen"), encoding="utf-8") as stream:
                return json.load(stream)
        except FileNotFoundError:
            return float("-inf"), {}

    def _read(self):
        when = self.cloud.clock.now()
        waited = sorted(int(name[3:]) for name in os.listdir(self.folder) if name.startswith("vm-"))
        answer = self.cloud.call("read the VMs", "vmpool.infoset", ",".join(map(str, waited)), True)
        vms = dict.fromkeys(map(str, waited), None)
        vms.update((str(vm.ID), summary(vm)) for vm in answer.VM)
        with open(os.path.join(self.folder, "seen"), "w", encoding="utf-8") as stream:
            json.dump([when, vms], stream)
        return when, vms


def summary(vm):
    """What the last command of a VM (one.vmpool.infoset) has come to, as a dictionary."""
    last = first_vector(vm.TEMPLATE or {}, "QEMU_GA_EXEC")
    names = ("COMMAND", "STATUS", "RETURN_CODE", "STDOUT", "STDERR")
    found = {name.lower(): last.get(name) or "" for name in names}
    return dict(found, state=vm.STATE, lcm_state=vm.LCM_STATE)


class Guest:
    """The guest of one VM.

    Args:
        looks (Looks)
        oid (int): of the VM.
        name (str): of the VM, for messages.
        timeout (float): seconds that a shell command may take.
        shown (int): bytes of compressed output that come with one command.
        clears (bool): whether each shell command is followed by one that OpenNebula keeps in its place.
    """

    def __init__(self, looks, oid, name, timeout, shown=OUTPUT, clears=False):
        self.looks = looks
        self.cloud = looks.cloud
        self.oid = oid
        self.name = name
        self.timeout = timeout
        self.shown = shown
        self.clears = clears

    def shell(self, command, entered=b""):
        """Runs a shell command.

        Args:
            command (str)
            entered (bytes): what it reads from its standard input.

        Returns:
            tuple[int, bytes, bytes]: exit code, standard output and standard error.

        Raises:
            Failure: OpenNebula or the guest agent could not run it, or it took too long.
        """
        try:
            return self._shell(command, entered)
        finally:
            if self.clears:
                with contextlib.suppress(Failure):  # what the command came to matters more
                    self._start(NOTHING, "", self.cloud.clock.now() + self.timeout)

    def _shell(self, command, entered):
        known = self.looks.known(self.oid)
        folder = FOLDER % secrets.token_hex(8)
        planned = plan(entered, known)
        first = self._run_script(folder, script(command, planned, self.shown))
        if output(first, "stdout").strip() == MISSING.encode() and known:
            self.looks.keep_in_mind(self.oid, None)  # the guest is not what it was
            return self._shell(command, entered)
        code, length, total, content = header(first, self.name)
        self.looks.keep_in_mind(self.oid, planned.names)
        while len(content) < total:
            content += self._more(folder, len(content), total)
        try:
            return code, gzip.decompress(content[:length]), gzip.decompress(content[length:])
        except (OSError, EOFError, zlib.error) as error:
            raise self._failure(
                "The output of a command in VM %s did not arrive whole: %s." % (self.name, error)
            ) from None

    def _run_script(self, folder, text):
        """Sends a script, in pieces when it is long, and runs it; the answer as the guest agent gives it."""
        packed = gzip.compress(text.encode("utf-8", "surrogateescape"), mtime=0)
        if len(packed) <= LARGEST_INPUT:
            return self._agent(RUN % ((folder,) * 3), packed)
        pieces = [packed[start : start + LARGEST_INPUT] for start in range(0, len(packed), LARGEST_INPUT)]
        for number, piece in enumerate(pieces[:-1]):
            line = SEND_MORE % folder if number else SEND_FIRST % (folder, folder)
            sent = self._agent(line, piece)
            if sent["return_code"] != "0":
                raise self._failure("Cannot write to VM %s: %s." % (self.name, said(sent)))
        return self._agent(RUN_SENT % ((folder,) * 4), pieces[-1])

    def _more(self, folder, start, total):
        """The next bytes of an output; the last ones remove what is left of the command in the guest."""
        line = READ_MORE % (start + 1, folder, self.shown)
        if start + self.shown >= total:
            line += REMOVE % folder
        found = output(self._agent(line), "stdout")
        if not found:
            raise self._failure("The output of a command in VM %s is no longer there." % self.name)
        return found

    # ---------------------------------------------------------------- one command of the guest agent

    def _agent(self, line, entered=b""):
        """Runs a line of shell without quotes, and waits for its end; what `summary` tells then."""
        command = "/bin/sh -c %s" % line.replace(" ", "${IFS}")
        end = self.cloud.clock.now() + self.timeout
        began = self._start(command, base64.b64encode(entered).decode("ascii"), end)
        try:
            found = self._wait(began, lambda seen: self._ended(seen, command), end)
        except BaseException:
            self._cancel()
            raise
        finally:
            self.looks.forget(self.oid)
        if found["status"] != "DONE":
            message = "The guest agent of VM %s could not run a command (%s): %s"
            raise self._failure(message % (self.name, found["status"].lower(), AGENT_HINT))
        return found

    def _start(self, command, entered, end):
        """Has the guest agent begin, as soon as it is free; when that was."""
        while True:
            began = self.cloud.clock.now()
            try:
                self.cloud.call("run a command in VM %s" % self.name, "vm.exec", self.oid, command, entered)
                return self.cloud.clock.now()
            except Failure as failure:
                if failure.data.get("code") == UNKNOWN_METHOD:
                    raise self._failure("Commands in guests need OpenNebula 7.2 or newer.") from None
                seen = self.looks.at(self.oid, began)[1]
                if seen is None or not busy(seen):
                    raise
            self._wait(began, lambda seen: not busy(seen), end)

    def _wait(self, since, done, end):
        """Waits until `done`(what is seen) holds; what is seen then."""

        def look():
            nonlocal since
            seen_at, seen = self.looks.at(self.oid, since)
            since = max(since, seen_at) + 1e-6  # the next look is another one
            if seen is None or seen["state"] != STATE_ACTIVE:
                raise self._failure("VM %s does not run any more." % self.name)
            return seen

        try:
            return wait(look, done, max(0, end - self.cloud.clock.now()), self.cloud.clock, str)
        except TimeOver:
            message = "A command in VM %s did not end within %g s; give a longer command_timeout."
            raise self._failure(message % (self.name, self.timeout)) from None

    def _ended(self, seen, command):
        if seen["command"] != command:
            raise self._failure("The result of a command in VM %s is lost: another command was run." % self.name)
        return seen["status"] not in STARTED

    def _cancel(self):
        """Ends our command, so that the guest is free; what fails here matters no more."""
        with contextlib.suppress(Failure):
            self.cloud.call("cancel a command", "vm.cancelexec", self.oid)

    def _failure(self, message):
        return Failure(message, object="vm", id=self.oid)


AGENT_HINT = (
    "see whether qemu-guest-agent runs in the guest and allows guest-exec, and whether GUEST_AGENT is set in the"
    " FEATURES of the VM."
)


def busy(seen):
    """Whether a VM runs a command, or something is attached to it."""
    running = (seen["state"], seen["lcm_state"]) == (STATE_ACTIVE, LCM_RUNNING)
    hotplug = (seen["state"], seen["lcm_state"]) == (STATE_ACTIVE, LCM_HOTPLUG)
    return hotplug or (running and seen["status"] == "EXECUTING")


def script(command, planned, shown):
    """The script that carries out a shell command (str) with an Input."""
    return SCRIPT % {
        "command": shlex.quote(command),
        "literal": base64.encodebytes(planned.literal).decode("ascii").rstrip("\n"),
        "new": "\n".join([PREPARE, *planned.new]) if planned.new else "",
        "lines": "\n".join(planned.lines),
        "kept": KEPT,
        "missing": MISSING,
        "shown": shown,
    }


def header(answer, name):
    """Exit code, length of the output, length of all (int), and the first of it (bytes), of what a script printed.

    Raises:
        Failure: the script did not get that far.
    """
    first, newline, content = output(answer, "stdout").partition(b"\n")
    numbers = first.decode("ascii", "replace").split()
    if not newline or len(numbers) != 3 or not all(is_whole(number) for number in numbers):
        message = "VM %s could not carry out a command: %s. The guest needs sh, base64, gzip, head, tail and wc."
        raise Failure(message % (name, said(answer)), object="vm")
    return (*(int(number) for number in numbers), content)


def said(answer):
    """What a failed command says of itself (str)."""
    text = (output(answer, "stderr") or output(answer, "stdout")).decode("utf-8", "replace").strip()
    return text.rstrip(".") or "return code %s" % answer["return_code"]


def output(answer, stream):
    """Bytes that a command wrote to "stdout" or "stderr"."""
    return base64.b64decode(answer[stream])
