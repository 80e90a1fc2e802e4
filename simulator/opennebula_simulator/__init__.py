# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""An OpenNebula with dummy drivers, in memory, speaking XML-RPC."""
