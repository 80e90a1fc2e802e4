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

from . import errors
from .errors import OneException
from .server import OneServer

_YES = ("1", "yes", "true")


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
            fixture_replay = os.environ.get("PYONE_TEST_FIXTURE_REPLAY", "yes").lower() in _YES
        self._path = Path(path)
        self._replays = fixture_replay
        self._units: dict[str, Any] = self._loaded()
        self._signature = ""
        self.set_fixture_unit_test(fixture_unit or os.environ.get("PYONE_TEST_FIXTURE_UNIT", "init"))

    def _loaded(self):
        if not self._path.exists() and not self._replays:
            return {}
        try:
            return json.loads(gzip.decompress(self._path.read_bytes()).decode("utf-8"))
        except (OSError, EOFError, ValueError) as error:
            raise OneException("the file of answers %s cannot be read: %s" % (self._path, error)) from None

    def set_fixture_unit_test(self, name: str) -> None:
        """Goes on with the answers of a unit, for instance of a test."""
        self._unit_name = name
        self._unit = self._units.setdefault(name, {})

    def call(self, method: str, *args: Any, **named: Any) -> Any:
        """See OneServer.call()."""
        params = [self._session] + [_as_sent_by_pyone(value) for value in args] + ([named] if named else [])
        self._signature = md5(json.dumps(params, sort_keys=True).encode("utf-8")).hexdigest()  # noqa: S324
        return super().call(method, *args, **named)

    def _answer(self, method, request, repeatable):
        if self._replays:
            return self._replayed(method)
        recorded = self._unit.setdefault(method, {}).setdefault(self._signature, [])
        try:
            answer = super()._answer(method, request, repeatable)
        except OneException as error:
            recorded.append({"error": [type(error).__name__, error.message, error.code]})
            raise
        recorded.append([item if isinstance(item, int) else bytes(item).decode("utf-8") for item in answer])
        return answer

    def _replayed(self, method):
        answers = self._unit.get(method, {}).get(self._signature)
        if not answers:
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
            self._path.write_bytes(gzip.compress(json.dumps(self._units).encode("utf-8"), mtime=0))
        super().server_close()


def _as_sent_by_pyone(value):
    """An argument as pyone sends it: a flat dictionary as text, a nested one as XML, neither escaped."""
    if not isinstance(value, dict):
        return value
    if not any(isinstance(item, dict) for item in value.values()):
        return "".join('%s="%s"\n' % item for item in sorted(value.items()))
    return _xml(value)


def _xml(value):
    return "".join(
        "<%s>%s</%s>" % (name, _xml(item) if isinstance(item, dict) else "<![CDATA[%s]]>" % (item,), name)
        for name, content in sorted(value.items())
        for item in (content if isinstance(content, list) else [content])
    )
