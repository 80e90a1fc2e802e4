# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What OneServer offers beside the methods of the API: ``one.marketapp.export`` and ``all`` of every pool."""

from __future__ import annotations

from base64 import b64decode
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Iterator

from .constants import FILTER_FLAGS, MARKETPLACEAPP_STATES, MARKETPLACEAPP_TYPES, VM_FILTERS
from .errors import OneArgumentException, OneException, OneHelperException
from .methods import METHODS
from .signature import bind, parameters
from .template import read

if TYPE_CHECKING:
    from .client import Client
    from .server_xrpc import OneServer

# What a pool is asked for unless the caller says otherwise: all that may be seen, but no VMs that are done.
_ALL = {"filter_flag": int(FILTER_FLAGS.ALL), "state": int(VM_FILTERS.NOT_DONE)}


def marketapp_export(
    one: OneServer,
    appid: int,
    dsid: int | None = None,
    name: str | None = None,
    vmtemplate_name: str | None = None,
) -> dict[str, int]:
    """Makes an image, and a VM template where the app has one, of a marketplace app.

    Args:
        appid (int): id of the app, of type IMAGE and in state READY.
        dsid (int | None): id of the datastore of the image.  None: that of the datastore named ``default``.
        name (str | None): name of the image.  None: that of the app.
        vmtemplate_name (str | None): name of the VM template.  None: that of the app.

    Returns:
        dict[str, int]: ``image`` and ``vmtemplate``, ids of what was made; -1 where the app has no VM template.

    Raises:
        OneHelperException: the app or the datastore does not serve; or the image was made (its id is in the message)
            and the VM template was refused.
        OneException: what the methods raise.
    """
    app = one.marketapp.info(appid)
    check_app(app)
    image = app_image(app, app.NAME if name is None else name)
    made = {"image": one.image.allocate(image, _default_datastore(one) if dsid is None else dsid), "vmtemplate": -1}
    template = app_template(app, app.NAME if vmtemplate_name is None else vmtemplate_name, made["image"])
    if template is not None:
        try:
            made["vmtemplate"] = one.template.allocate(template)
        except OneException as error:
            message = "image %d was made, but not its VM template: %s" % (made["image"], error.message)
            raise OneHelperException(message, error.method, error.code, error.object_id) from None
    return made


def app_image(app: Any, name: str) -> dict[str, Any]:
    """The template of the image that a marketplace app holds, with a name of its own."""
    return dict(read(_decoded(app.APPTEMPLATE64)), NAME=name, FROM_APP=app.ID)


def app_template(app: Any, name: str, image_id: int) -> dict[str, Any] | None:
    """The VM template that a marketplace app holds, with its image as the last disk; None: the app has none."""
    template = read(_decoded(app.TEMPLATE.get("VMTEMPLATE64") if app.TEMPLATE else None))
    if not template:
        return None
    disks = template.get("DISK", [])
    return dict(template, NAME=name, DISK=(disks if isinstance(disks, list) else [disks]) + [{"IMAGE_ID": image_id}])


def check_app(app: Any) -> None:
    """Whether a marketplace app can be exported.

    Raises:
        OneHelperException: it is not ready, or not an image.
    """
    for field, values, expected in (
        ("STATE", MARKETPLACEAPP_STATES, MARKETPLACEAPP_STATES.READY),
        ("TYPE", MARKETPLACEAPP_TYPES, MARKETPLACEAPP_TYPES.IMAGE),
    ):
        value = getattr(app, field)
        if value != expected:
            known = [constant.name for constant in values if constant == value]
            message = "marketplace app %d has the %s %s; only %s is exported"
            words = (app.ID, field.lower(), known[0] if known else value, expected.name)
            raise OneHelperException(message % words, "one.marketapp.export", object_id=app.ID)


def _default_datastore(one):
    for datastore in one.datastorepool.info().DATASTORE:
        if datastore.NAME == "default":
            return datastore.ID
    raise OneHelperException("no datastore is named default: give dsid", "one.marketapp.export")


def _decoded(text):
    return b64decode(text or "").decode("utf-8")


def pool_all(pool: str, one: Client, page: int = 2000, extended: bool = False, **arguments: Any) -> Iterator[Any]:
    """The objects of a pool one after the other, read page by page where the pool has pages.

    Objects that come while the pages are read may be missed; those that stay are neither missed nor told twice.

    Args:
        pool (str): family of the pool, for instance ``vmpool``.
        page (int): objects of a page, from 2.
        extended (bool): whole objects, of the pools that have ``infoextended``.
        arguments: others that the pool's ``info`` takes, such as filter_flag (default: all that the user may see),
            state (default: all but DONE) and filter of vmpool; type of documentpool, which must be given.

    Raises:
        OneArgumentException: arguments that the pool does not take; the rest comes with the iteration.
    """
    method = "%s.%s" % (pool, "infoextended" if extended else "info")
    if method not in METHODS:
        raise OneArgumentException("one.%s.all has no extended objects" % pool, "one.%s.all" % pool)
    if page < 2:
        # The API writes a page of n as -n, and -1 as no limit.
        raise OneArgumentException("one.%s.all takes pages of 2 objects or more, not %r" % (pool, page))
    names = [parameter.name for parameter in parameters(method)]
    unknown = sorted(set(arguments) - (set(names) - set(names[1:3])))
    if unknown:
        raise OneArgumentException("one.%s.all has no argument %s" % (pool, unknown[0]), "one.%s.all" % pool)
    given = {name: _ALL[name] for name in names if name in _ALL}
    given.update(arguments)

    def read_page(**limits):
        answer = one.call(method, *bind(method, (), {**given, **limits}))
        return getattr(answer, type(answer).__name__[: -len("_POOL")])

    if not names:
        return iter(read_page())
    return _paged(lambda start: read_page(**{names[1]: start, names[2]: -page}), page)


def _paged(read_page: Callable[[int], list[Any]], page: int) -> Iterator[Any]:
    """The objects of all pages.

    A page begins at an offset, which means another object once one before it is gone or new.  So each page begins with
    the last object of the one before; where that has moved, the search for one that is known goes back.
    """
    seen: set[int] = set()
    start = 0
    while True:
        items = read_page(start)
        fresh = [item for item in items if item.ID not in seen]
        if start and len(fresh) == len(items):
            start = max(0, start - page + 1)
            continue
        seen.update(item.ID for item in fresh)
        yield from fresh
        if len(items) < page:
            return
        start += page - 1


HELPERS: dict[str, Callable[..., Any]] = {"marketapp.export": marketapp_export}
HELPERS.update(
    (method[: -len("info")] + "all", partial(pool_all, method[: -len(".info")]))
    for method in METHODS
    if method.endswith("pool.info")
)
