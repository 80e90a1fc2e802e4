# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The name that pyone 7.3.80 gives to its client for XML-RPC."""

from __future__ import annotations

from .server import OneServer as OneServerXRPC

__all__ = ["OneServerXRPC"]
