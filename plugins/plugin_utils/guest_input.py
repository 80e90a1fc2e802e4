# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a command in a guest reads, without the files that the guest has already.

Ansible sends a module as a Python program that holds a zip file in base64: some 50 files, most of them the same for
every module.  A guest keeps the files of zip files that it has got, by their SHA-256, so that a task sends only what is
new: a module is then short enough for one command.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import struct
import zipfile
from collections import namedtuple
from hashlib import sha256

ENCODED_ZIP = re.compile(rb"UEsDB[A-Za-z0-9+/]{4000,}={0,2}")  # base64 of a zip file begins like this
LEAST = 256  # bytes of a file that is worth keeping
LOCAL_HEADER = struct.Struct("<26xHH")  # lengths of name and extra field in the header before a file of a zip file

# literal: bytes to send; lines: shell that prints the input, with `part` and `kept`; new: shell that keeps files;
# names: of all files that the guest has afterwards.
Input = namedtuple("Input", "literal lines new names")


def plan(entered, known):
    """How a guest makes an input.

    Args:
        entered (bytes): the input.
        known (set[str]): names of the files that the guest has.

    Returns:
        Input: its lines call ``part OFFSET LENGTH``, which prints bytes of the literal (the first has the offset 1),
        ``kept NAME``, which prints a file, ``keep NAME OFFSET LENGTH``, which keeps one, and ``encode``, which is a
        filter to base64 without new lines.
    """
    found = ENCODED_ZIP.search(entered)
    packed = decoded(found.group()) if found else None
    if packed is None:
        return _Builder(known).literally(entered).built()
    builder = _Builder(known).literally(entered[: found.start()])
    builder.lines.append("{")
    builder.zipped(packed)
    builder.lines.append("} | encode")
    return builder.literally(entered[found.end() :]).built()


def decoded(text):
    """The zip file that base64 text stands for (bytes); None when it would not come back as the same text."""
    try:
        packed = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return packed if base64.b64encode(packed) == text and zipfile.is_zipfile(io.BytesIO(packed)) else None


class _Builder:
    def __init__(self, known):
        self.known = known
        self.literal = []
        self.length = 0
        self.lines = []
        self.new = []
        self.names = []

    def literally(self, content):
        """The input goes on with bytes that are sent."""
        if content:
            self.lines.append("part %d %d" % (self._sent(content), len(content)))
        return self

    def zipped(self, packed):
        """The input goes on with a zip file."""
        position = 0
        for start, end in files(packed):
            if end - start >= LEAST:
                self.literally(packed[position:start])
                self._kept(packed[start:end])
                position = end
        return self.literally(packed[position:])

    def _kept(self, content):
        name = sha256(content).hexdigest()
        if name not in self.known and name not in self.names:
            self.new.append("keep %s %d %d" % (name, self._sent(content), len(content)))
        self.names.append(name)
        self.lines.append("kept %s" % name)

    def _sent(self, content):
        offset = self.length + 1
        self.literal.append(content)
        self.length += len(content)
        return offset

    def built(self):
        return Input(b"".join(self.literal), self.lines, self.new, self.names)


def files(packed):
    """Where the compressed files in a zip file begin and end, in their order, as pairs of int."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        entries = sorted(archive.infolist(), key=lambda entry: entry.header_offset)
    for entry in entries:
        name, extra = LOCAL_HEADER.unpack_from(packed, entry.header_offset)
        start = entry.header_offset + LOCAL_HEADER.size + name + extra
        yield start, start + entry.compress_size
