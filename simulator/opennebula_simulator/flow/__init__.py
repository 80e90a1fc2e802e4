# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""OneFlow: services of many VMs, by HTTP and JSON, on the same VMs as the simulated oned."""
