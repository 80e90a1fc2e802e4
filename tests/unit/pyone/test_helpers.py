# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What the client offers beside the methods of the API: pools page by page, apps made into images."""

from __future__ import annotations

from base64 import b64encode
from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneArgumentException,
    OneAuthenticationException,
    OneException,
    OneHelperException,
    OneReadOnlyException,
)
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.constants import (
    MARKETPLACEAPP_STATES,
    PAGINATED_POOLS,
)
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.helpers import HELPERS, pool_all
from hypothesis import given
from hypothesis import strategies as st

# ---------------------------------------------------------------- pools

ALLOCATE = {
    "document": lambda one, name: one.document.allocate({"NAME": name}, 200),
    "secgroup": lambda one, name: one.secgroup.allocate({"NAME": name}),
    "template": lambda one, name: one.template.allocate({"NAME": name}),
    "vm": lambda one, name: one.vm.allocate({"NAME": name, "CPU": 1, "MEMORY": 1}, True),
    "vn": lambda one, name: one.vn.allocate({"NAME": name, "VN_MAD": "dummy", "BRIDGE": "br0"}, 0),
}


@pytest.mark.parametrize("family", ALLOCATE)
@pytest.mark.parametrize("page", [2, 3, 7, 8, 2000])
def test_every_object_comes_once(one, family, page):
    made = [ALLOCATE[family](one, f"n{number}") for number in range(7)]
    arguments = {"type": 200} if family == "document" else {}
    found = [entry.ID for entry in getattr(one, f"{family}pool").all(page=page, **arguments)]
    assert len(found) == len(set(found))
    assert set(made) <= set(found)
    assert set(found) - set(made) <= {0}  # the default security group


def test_pages_are_asked_for_when_they_are_needed(simulator, client):
    one = client(simulator.url)
    for number in range(5):
        ALLOCATE["vm"](one, f"n{number}")
    asked = []
    watched = client(simulator.url, on_call=asked.append)
    every = watched.vmpool.all(page=2)
    assert asked == []
    next(every)
    assert asked == ["one.vmpool.info"]
    assert len(list(every)) == 4


def test_filters_are_those_of_the_pool(one):
    for number in range(3):
        ALLOCATE["vm"](one, f"n{number}")
    one.vm.action("release", 1)
    assert [vm.ID for vm in one.vmpool.all(state=1)] == [1]
    assert [vm.ID for vm in one.vmpool.all(filter_flag=1)] == []
    one.vm.recover(0, 3)
    assert sorted(vm.ID for vm in one.vmpool.all()) == [1, 2]
    assert sorted(vm.ID for vm in one.vmpool.all(state=-2, page=2)) == [0, 1, 2]


def test_whole_objects(one):
    ALLOCATE["vm"](one, "n")
    assert [vm.PERMISSIONS for vm in one.vmpool.all()] == [None]
    assert [vm.PERMISSIONS.OWNER_U for vm in one.vmpool.all(extended=True)] == [1]


def test_pools_without_pages_are_read_at_once(one):
    one.host.allocate("node1", "dummy", "dummy", -1)
    assert [host.NAME for host in one.hostpool.all()] == ["node1"]
    assert {user.NAME for user in one.userpool.all(page=2)} == {"oneadmin", "serveradmin"}


def test_every_pool_can_be_walked(one):
    pools = {name.partition(".")[0] for name in HELPERS if name.endswith(".all")}
    assert {f"{constant.name.lower().replace('_', '')}" for constant in PAGINATED_POOLS} < pools
    for pool in pools:
        arguments = {"type": 100} if pool == "documentpool" else {}
        assert all(entry.ID >= 0 for entry in getattr(one, pool).all(**arguments))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda one: one.vmpool.all(page=1), r"one\.vmpool\.all takes pages of 2 objects or more, not 1"),
        (lambda one: one.vmpool.all(page=0), "pages of 2 objects or more"),
        (lambda one: one.vmpool.all(start=3), "has no argument start"),
        (lambda one: one.hostpool.all(filter_flag=-2), "has no argument filter_flag"),
        (lambda one: one.hostpool.all(extended=True), r"one\.hostpool\.all has no extended objects"),
        (lambda one: list(one.documentpool.all()), "needs the argument type"),
    ],
)
def test_arguments_that_a_pool_does_not_take(one, call, message):
    with pytest.raises(OneArgumentException, match=message) as caught:
        call(one)
    assert caught.value.method.startswith("one.")


def test_errors_come_with_the_iteration(simulator, client):
    every = client(simulator.url, "oneadmin:wrong").vmpool.all()
    with pytest.raises(OneAuthenticationException):
        next(every)


def test_what_is_neither_a_method_nor_a_helper(one):
    for call in (one.vm.all, one.image.export):
        with pytest.raises(OneException, match="neither a method of the API nor of this client"):
            call()


class Pool:
    """A pool that changes after each page: CHANGES[n] is a list of (place, insert or not)."""

    def __init__(self, size, changes):
        self.ids = list(range(size))
        self.fresh = size
        self.changes = list(changes)
        self.gone = set()

    def call(self, _method, _filter_flag, start, end, *_others):
        answer = type("VM_POOL", (), {"VM": [SimpleNamespace(ID=oid) for oid in self.ids[start : start - end]]})
        for place, inserts in self.changes.pop(0) if self.changes else ():
            if inserts:
                self.ids.insert(place % (len(self.ids) + 1), self.fresh)
                self.fresh += 1
            elif self.ids:
                self.gone.add(self.ids.pop(place % len(self.ids)))
        return answer()


@given(
    st.integers(0, 30),
    st.integers(2, 9),
    st.lists(st.lists(st.tuples(st.integers(0, 99), st.booleans()), max_size=6), max_size=12),
)
def test_what_stays_is_neither_missed_nor_told_twice(size, page, changes):
    pool = Pool(size, changes)
    found = [vm.ID for vm in pool_all("vmpool", pool, page=page)]
    assert len(found) == len(set(found))
    assert set(range(size)) - pool.gone <= set(found)


# ---------------------------------------------------------------- marketapp.export


def encoded(text):
    return b64encode(text.encode()).decode()


@pytest.fixture
def market(one):
    return one.market.allocate({"NAME": "m", "MARKET_MAD": "dummy"})


@pytest.fixture
def app(one, market):
    """make(**attributes of the app) -> the id of a READY app that was made of an image."""

    def make(**attributes):
        origin = one.image.allocate({"NAME": "origin", "TYPE": "DATABLOCK", "SIZE": 1}, 1)
        made = one.marketapp.allocate({"NAME": "app", "ORIGIN_ID": origin, "TYPE": "IMAGE", **attributes}, market)
        while one.marketapp.info(made).STATE == MARKETPLACEAPP_STATES.LOCKED:
            pass
        assert one.marketapp.info(made).STATE == MARKETPLACEAPP_STATES.READY
        return made

    return make


def test_an_app_becomes_an_image(one, app):
    exported = app(APPTEMPLATE64=encoded('DEV_PREFIX="vd"\nNAME="other"\n'))
    made = one.marketapp.export(exported)
    assert made["vmtemplate"] == -1
    image = one.image.info(made["image"])
    assert (image.NAME, image.DATASTORE) == ("app", "default")
    assert image.TEMPLATE["DEV_PREFIX"] == "vd"
    assert image.TEMPLATE["FROM_APP"] == str(exported)


def test_an_app_with_a_vm_template(one, app):
    exported = app(VMTEMPLATE64=encoded('CPU="1"\nDISK=[IMAGE="more"]'))
    made = one.marketapp.export(exported, 1, name="my image", vmtemplate_name="web")
    assert one.image.info(made["image"]).NAME == "my image"
    template = one.template.info(made["vmtemplate"])
    assert template.NAME == "web"
    assert template.TEMPLATE["DISK"] == [{"IMAGE": "more"}, {"IMAGE_ID": str(made["image"])}]


def test_arguments_by_name(one, app):
    made = one.marketapp.export(appid=app(), dsid=1, name="named")
    assert one.image.info(made["image"]).NAME == "named"


def test_datastore_0_is_a_datastore(one, app):
    with pytest.raises(OneException, match=r"\[one\.image\.allocate\]") as caught:
        one.marketapp.export(app(), 0)
    assert caught.value.method == "one.image.allocate"


def test_no_datastore_is_called_default(one, app):
    exported = app()
    one.datastore.rename(1, "images")
    with pytest.raises(OneHelperException, match="no datastore is named default: give dsid"):
        one.marketapp.export(exported)


def test_apps_that_are_not_exported(one, app, market):
    exported = app()
    one.marketapp.enable(exported, False)
    with pytest.raises(OneHelperException, match=f"app {exported} has the state DISABLED; only READY") as caught:
        one.marketapp.export(exported)
    assert (caught.value.method, caught.value.object_id) == ("one.marketapp.export", exported)
    service = one.marketapp.allocate({"NAME": "s", "ORIGIN_ID": 0, "TYPE": "SERVICE_TEMPLATE"}, market)
    with pytest.raises(OneHelperException, match=r"has the type SERVICE_TEMPLATE; only IMAGE"):
        one.marketapp.export(service)


def test_an_image_that_was_made_is_not_forgotten(one, app):
    one.template.allocate({"NAME": "taken"})
    with pytest.raises(OneHelperException, match=r"image \d+ was made, but not its VM template: .*taken") as caught:
        one.marketapp.export(app(VMTEMPLATE64=encoded("CPU=1")), vmtemplate_name="taken")
    assert caught.value.method == "one.template.allocate"


def test_a_read_only_client_exports_nothing(one, app, simulator, client):
    exported = app()
    before = len(one.imagepool.info(-2, -1, -1).IMAGE)
    with pytest.raises(OneReadOnlyException):
        client(simulator.url, read_only=True).marketapp.export(exported)
    assert len(one.imagepool.info(-2, -1, -1).IMAGE) == before
