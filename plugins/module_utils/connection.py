# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""From the options of a plugin to a client; shared by modules and inventories."""

from __future__ import annotations

import os

from .failure import Failure, described
from .pyone import OneException, OneServer, tls_context


def connect(options, read_only=False, on_call=None):
    """The client that the connection options describe.

    Args:
        options (dict): api_url, api_username, api_password, validate_certs, ca_path, client_cert, client_key,
            timeout (seconds), api_retries; each may be missing or None.
        read_only (bool): refuse every method that changes anything.
        on_call (callable | None): called with the method's name before each request.

    Returns:
        pyone.OneServer

    Raises:
        Failure: no endpoint, no credentials, or files that cannot be read.
    """
    named = {key: value for key, value in options.items() if value is not None}
    extra = {"retries": named["api_retries"]} if "api_retries" in named else {}
    try:
        return OneServer(
            _endpoints(named.get("api_url") or _file("~/.one/one_endpoint")),
            session=_session(named.get("api_username"), named.get("api_password")),
            timeout=named.get("timeout"),
            context=_context(named),
            https_verify=named.get("validate_certs", True),
            read_only=read_only,
            on_call=on_call,
            **extra,
        )
    except OneException as error:
        raise described(error, "connect to OpenNebula") from None


def _endpoints(text):
    if not text:
        raise Failure("No endpoint of OpenNebula: give api_url, or set ONE_URL in the environment.")
    return [url.strip() for url in text.split(",") if url.strip()]


def _session(user, password):
    if user and password:
        return "%s:%s" % (user, password)
    path = os.environ.get("ONE_AUTH") or "~/.one/one_auth"
    stored = _file(path)
    if not user and not password and stored and ":" in stored:
        return stored
    missing = "api_password (or ONE_PASSWORD)" if user else "api_username (or ONE_USERNAME)"
    raise Failure("No credentials for OpenNebula: give %s, or keep user:password in %s." % (missing, path))


def _file(path):
    """The first line of a file; None when there is none."""
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as stream:
            return stream.readline().strip() or None
    except OSError:
        return None


def _context(named):
    paths = [named.get(name) for name in ("ca_path", "client_cert", "client_key")]
    if not any(paths):
        return None
    return tls_context(named.get("validate_certs", True), *paths)
