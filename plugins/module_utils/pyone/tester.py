# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""A client that records the answers of a server in a file and gives them again without one.

The file is that of pyone: gzipped JSON of ``{unit: {method: {signature: [answer…]}}}``, where the signature is the MD5
sum of the arguments as pyone sends them, the session among them, and an answer is what XML-RPC carries.
"""

from __future__ import annotations

import gzip
import json
import os
from hashlib import md5
from pathlib import Path
from typing import Any, Sequence
from xml.sax.saxutils import escape

from . import errors
from .errors import OneException
from .server_xrpc import OneServer

YES = ("1", "yes", "true")


def read_fixture_file(fixture_file: str | Path) -> Any:
    """The content of a file of answers.

    Raises:
        OneException: the file cannot be read.
    """
    try:
        return json.loads(gzip.decompress(Path(fixture_file).read_bytes()).decode("utf-8"))
    except (OSError, EOFError, ValueError) as error:
        raise OneException("the file of answers %s cannot be read: %s" % (fixture_file, error)) from None


def write_fixture_file(fixture_file: str | Path, obj: Any) -> None:
    """Writes a file of answers; the same content gives the same bytes."""
    Path(fixture_file).write_bytes(gzip.compress(json.dumps(obj).encode("utf-8"), mtime=0))


class OneServerTester(OneServer):
    """OneServer with a file of answers.

    Args:
        uri, session, timeout, options: see OneServer.
        fixture_file (str | None): the file.  None: PYONE_TEST_FIXTURE_FILE of the environment.
        fixture_unit (str | None): the unit to begin with.  None: PYONE_TEST_FIXTURE_UNIT, else ``init``.
        fixture_replay (bool | None): answer from the file, in the order of recording, and ask no server.  None: unless
            PYONE_TEST_FIXTURE_REPLAY says no.

    Raises:
        OneException: no file is named, or the one to replay cannot be read; in calls: nothing was recorded for one.
    """

    def __init__(
        self,
        uri: str | Sequence[str] | None = None,
        session: str | None = None,
        fixture_file: str | None = None,
        fixture_unit: str | None = None,
        timeout: float | None = None,
        fixture_replay: bool | None = None,
        **options: Any,
    ) -> None:
        super().__init__(uri, session, timeout=timeout, **options)
        path = fixture_file or os.environ.get("PYONE_TEST_FIXTURE_FILE")
        if not path:
            raise OneException("no file of answers: give fixture_file, or set PYONE_TEST_FIXTURE_FILE")
        if fixture_replay is None:
            fixture_replay = os.environ.get("PYONE_TEST_FIXTURE_REPLAY", "yes").lower() in YES
        self._path = Path(path)
        self._replays = fixture_replay
        self._units: dict[str, Any] = self._loaded()
        self._signatures: list[str] = []
        self.set_fixture_unit_test(fixture_unit or os.environ.get("PYONE_TEST_FIXTURE_UNIT", "init"))

    def _loaded(self):
        return read_fixture_file(self._path) if self._replays or self._path.exists() else {}

    def set_fixture_unit_test(self, name: str) -> None:
        """Goes on with the answers of a unit, for instance of a test."""
        self._unit_name = name
        self._unit = self._units.setdefault(name, {})

    def call(self, method: str, *args: Any, **named: Any) -> Any:
        """See OneServer.call()."""
        self._signatures = [self._signature(args, named, leaf) for leaf in _LEAVES]
        return super().call(method, *args, **named)

    def _signature(self, args, named, leaf):
        params = [self._session] + [_as_sent_by_pyone(value, leaf) for value in args] + ([named] if named else [])
        return md5(json.dumps(params, sort_keys=True).encode("utf-8")).hexdigest()  # noqa: S324

    def _answer(self, method, request, repeatable):
        if self._replays:
            return self._replayed(method)
        recorded = self._unit.setdefault(method, {}).setdefault(self._signatures[0], [])
        try:
            answer = super()._answer(method, request, repeatable)
        except OneException as error:
            recorded.append({"error": [type(error).__name__, error.message, error.code]})
            raise
        recorded.append([item if isinstance(item, int) else bytes(item).decode("utf-8") for item in answer])
        return answer

    def _replayed(self, method):
        units = self._unit.get(method, {})
        answers = next((units[signature] for signature in self._signatures if units.get(signature)), None)
        if answers is None:
            raise OneException("no answer is recorded for this call in the unit %s: record it again" % self._unit_name)
        answer = answers.pop(0)
        if isinstance(answer, dict):
            # pyone records exceptions as pickles, which could run anything.
            name, message, code = answer.get("error", ("OneException", "an exception was recorded by pyone", None))
            raise getattr(errors, name)(message, code=code)
        return tuple(item.encode("utf-8") if isinstance(item, str) else item for item in answer)

    def server_retry_interval(self) -> float:  # type: ignore[override]
        """Seconds to wait between two polls: next to none."""
        return 0.01

    def server_close(self) -> None:
        """Writes the file if answers were recorded, and closes the client."""
        if not self._replays:
            write_fixture_file(self._path, self._units)
        super().server_close()


def _section(text):
    return "<![CDATA[%s]]>" % text


def _escaped(text):
    return escape(text, {'"': "&quot;", "'": "&apos;"})


# How texts stand in XML that is sent: by pyone since OpenNebula 5.8, and by addon-pyone before.
_LEAVES = (_section, _escaped)


def _as_sent_by_pyone(value, leaf):
    """An argument as pyone sends it: a flat dictionary as text that is not escaped, a nested one as XML."""
    if not isinstance(value, dict):
        return value
    if not any(isinstance(item, dict) for item in value.values()):
        return "".join('%s="%s"\n' % item for item in sorted(value.items()))
    return _xml(value, leaf)


def _xml(value, leaf):
    return "".join(
        "<%s>%s</%s>" % (name, _xml(item, leaf) if isinstance(item, dict) else leaf(str(item)), name)
        for name, content in sorted(value.items())
        for item in (content if isinstance(content, list) else [content])
    )
