# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The module one_quota_defaults_info in the controller."""

from __future__ import annotations

from ..modules import one_quota_defaults_info
from ..plugin_utils.action import OneAction


class ActionModule(OneAction):
    """Runs the module where that costs least."""

    module = one_quota_defaults_info
