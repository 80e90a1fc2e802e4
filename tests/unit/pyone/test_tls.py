# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Which servers a client trusts, with certificates of authorities that the tests make."""

from __future__ import annotations

import ssl
import subprocess
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneConnectionException,
    OneException,
    tls_context,
)
from services import SERVICES

READ = "host.info"
KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
HERE = "subjectAltName=IP:127.0.0.1"
SERVERS = {  # name: (authority, days, extensions)
    "good": ("ca", 2, HERE),
    "elsewhere": ("ca", 2, "subjectAltName=DNS:other.example"),
    "expired": ("ca", -1, HERE),
    "for clients": ("ca", 2, f"{HERE}\nextendedKeyUsage=clientAuth"),
    "of another": ("other", 2, HERE),
}


def openssl(folder, command, text=""):
    subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True, input=text, text=True)


class Authorities:
    """A folder with two authorities, ca and other, and what they have signed."""

    def __init__(self, folder):
        self.folder = folder
        for number_, name in enumerate(("ca", "other")):
            openssl(folder, f"req -x509 {KEY} -days 2 -subj /CN=test{number_} -keyout {name}.key -out {name}.pem")

    def signed(self, name, authority="ca", days=2, extensions="basicConstraints=CA:FALSE"):
        """(certificate, key)."""
        stem = name.replace(" ", "_")
        (self.folder / f"{stem}.ext").write_text(extensions, encoding="utf-8")
        openssl(self.folder, f"req -new {KEY} -subj /CN={stem} -keyout {stem}.key -out {stem}.csr")
        by = f"-CA {authority}.pem -CAkey {authority}.key -CAcreateserial -extfile {stem}.ext"
        openssl(self.folder, f"x509 -req -in {stem}.csr -days {days} {by} -out {stem}.pem")
        return str(self.folder / f"{stem}.pem"), str(self.folder / f"{stem}.key")

    def revocations(self, name, *revoked, authority="ca", days=2):
        """A file with an authority's list of revoked certificates; negative days: it has expired."""
        for made, text in (("index.txt", ""), ("crlnumber", "01")):
            (self.folder / made).write_text(text, encoding="utf-8")
        (self.folder / "ca.cnf").write_text(CA, encoding="utf-8")
        by = f"-config ca.cnf -cert {authority}.pem -keyfile {authority}.key"
        for one in revoked:
            openssl(self.folder, f"ca {by} -revoke {one}.pem")
        until = "-crl_lastupdate 20200101000000Z -crl_nextupdate 20200102000000Z" if days < 0 else f"-crldays {days}"
        openssl(self.folder, f"ca {by} -gencrl {until} -out {name}.crl")
        return (self.folder / f"{name}.crl").read_text(encoding="utf-8")


CA = """
[ca]
default_ca = here
[here]
database = index.txt
crlnumber = crlnumber
default_md = sha256
"""


@pytest.fixture(scope="module")
def revoked(tls):
    """revoked(list, trusted=…, folder=…) -> a path with certificates to trust, and a list of authority ca."""
    made = tls.authorities
    texts = {
        "elsewhere": made.revocations("elsewhere", "elsewhere"),
        "good": made.revocations("good", "good"),
        "expired": made.revocations("old", days=-1),
        "of another": made.revocations("another", authority="other"),
    }

    def path(listed, folder=False, *trusted):
        parts = [Path(getattr(tls, name)).read_text(encoding="utf-8") for name in trusted or ("ca",)]
        where = made.folder / f"{listed.replace(' ', '_')}{folder}{len(parts)}"
        if folder:
            where.mkdir(exist_ok=True)
            for number_, text in enumerate([*parts, texts[listed]]):
                (where / f"{number_}.pem").write_text(text, encoding="utf-8")
            openssl(where, "rehash .")
        else:
            where.write_text("".join([*parts, texts[listed]]), encoding="utf-8")
        return str(where)

    return path


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """`servers` and `clients`: {name: (certificate, key)}; the files `ca` and `other`; `hashed`, a folder with ca."""
    made = Authorities(tmp_path_factory.mktemp("authorities"))
    servers = {name: made.signed(name, *given) for name, given in SERVERS.items()}
    clients = {"ours": made.signed("ours"), "theirs": made.signed("theirs", "other")}
    hashed = made.folder / "hashed"
    hashed.mkdir()
    (hashed / "ca.pem").write_text((made.folder / "ca.pem").read_text(encoding="utf-8"), encoding="utf-8")
    openssl(made.folder, "rehash hashed")
    paths = {name: str(made.folder / f"{name}.pem") for name in ("ca", "other")}
    return SimpleNamespace(authorities=made, servers=servers, clients=clients, hashed=str(hashed), **paths)


@pytest.fixture
def connected():
    """connected(service, endpoint, **options) -> a client of it."""
    made = []

    def connect(service, found, **options):
        url = found.url.removesuffix("/RPC2")
        made.append(SERVICES[service].connected(url, retries=0, **options))
        return made[-1]

    yield connect
    for one in made:
        one.server_close()


@pytest.fixture
def serving(endpoint, tls):
    """serving(name of a server's certificate, service, **attributes of its context) -> an endpoint."""

    def serve(name, service="oned", **attributes):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls.servers[name])
        if attributes.get("verify_mode"):
            context.load_verify_locations(tls.ca)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old releases of TLS are what is tried
            for attribute, value in attributes.items():
                setattr(context, attribute, value)
        if "maximum_version" in attributes:
            context.set_ciphers("ALL:@SECLEVEL=0")
        return endpoint(SERVICES[service].canned, context=context)

    return serve


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("trusted", ["ca", "hashed"])
def test_a_known_authority_is_trusted(serving, connected, tls, trusted, service):
    one = connected(service, serving("good", service), https_verify=getattr(tls, trusted))
    assert SERVICES[service].read(one) == SERVICES[service].value


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("server", "trusted", "reason"),
    [
        ("good", "other", "unable to get local issuer certificate|self.signed certificate"),
        ("good", None, "unable to get local issuer certificate|self.signed certificate"),
        ("of another", "ca", "unable to get local issuer certificate|self.signed certificate"),
        ("elsewhere", "ca", "IP address mismatch"),
        ("expired", "ca", "certificate has expired"),
        ("for clients", "ca", "unsuitable certificate purpose|unsupported certificate purpose"),
    ],
)
def test_no_other_server_is_told_the_session(serving, connected, tls, service, server, trusted, reason):
    found = serving(server, service)
    one = connected(service, found, https_verify=getattr(tls, trusted) if trusted else True)
    with pytest.raises(OneConnectionException, match=rf"its certificate is not trusted \(.*({reason})") as caught:
        SERVICES[service].remove(one)
    assert not caught.value.sent
    assert found.requests == []


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize(
    ("listed", "server", "reason"),
    [
        ("elsewhere", "good", None),
        ("good", "good", "certificate revoked"),
        ("expired", "good", "CRL has expired"),
        ("of another", "good", "unable to get certificate CRL"),
        ("elsewhere", "expired", "certificate has expired"),
    ],
)
@pytest.mark.parametrize("service", SERVICES)
def test_a_list_of_revoked_certificates_counts(serving, connected, revoked, service, listed, server, reason, folder):
    found, kind = serving(server, service), SERVICES[service]
    one = connected(service, found, https_verify=revoked(listed, folder))
    if reason is None:
        assert kind.read(one) == kind.value
        return
    with pytest.raises(OneConnectionException, match=rf"its certificate is not trusted \({reason}\)"):
        kind.remove(one)
    assert found.requests == []


@pytest.mark.parametrize("folder", [False, True])
def test_every_authority_needs_a_list_once_one_has_one(serving, client, revoked, folder):
    path = revoked("elsewhere", folder, "ca", "other")
    assert client(serving("good").url, https_verify=path).call(READ, 0) == 7
    with pytest.raises(OneConnectionException, match="unable to get certificate CRL"):
        client(serving("of another").url, https_verify=path, retries=0).call(READ, 0)


def test_without_a_list_what_was_revoked_is_trusted(serving, client, tls, revoked):
    revoked("good")
    assert client(serving("good").url, https_verify=tls.ca).call(READ, 0) == 7


def test_without_checks_a_list_does_not_count(revoked, serving, client):
    context = tls_context(False, revoked("good"))
    assert client(serving("good").url, context=context).call(READ, 0) == 7


@pytest.mark.parametrize("server", SERVERS)
def test_without_checks_any_is_trusted(serving, client, server):
    assert client(serving(server).url, https_verify=False).call(READ, 0) == 7


def careless(version):
    """A context that takes what ours do not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = version
    return context


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("release", ["TLSv1", "TLSv1_1"])
def test_old_releases_of_tls_are_refused(serving, connected, tls, release, verified, service):
    version, kind = getattr(ssl.TLSVersion, release), SERVICES[service]
    found = serving("good", service, minimum_version=version, maximum_version=version)
    with pytest.raises(OneConnectionException):
        kind.read(connected(service, found, https_verify=tls.ca if verified else False))
    assert found.requests == []
    assert kind.read(connected(service, found, context=careless(version))) == kind.value


@pytest.mark.parametrize("release", ["TLSv1_2", "TLSv1_3"])
def test_new_releases_of_tls_are_taken(serving, client, tls, release):
    version = getattr(ssl.TLSVersion, release)
    found = serving("good", minimum_version=version, maximum_version=version)
    assert client(found.url, https_verify=tls.ca).call(READ, 0) == 7


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(("identity", "accepted"), [("ours", True), ("theirs", False), (None, False)])
@pytest.mark.parametrize("release", ["TLSv1_2", "TLSv1_3"])
def test_certificates_of_clients(serving, connected, tls, identity, accepted, release, service):
    kind, version = SERVICES[service], getattr(ssl.TLSVersion, release)
    found = serving("good", service, verify_mode=ssl.CERT_REQUIRED, maximum_version=version)
    context = tls_context(True, tls.ca, *(tls.clients[identity] if identity else ()))
    one = connected(service, found, context=context)
    if accepted:
        assert kind.read(one) == kind.value
    else:
        with pytest.raises(OneConnectionException):
            kind.read(one)
        assert found.requests == []


@pytest.mark.parametrize("content", ["", "no certificate", None])
def test_an_authority_that_is_none(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(OneException, match=r"cannot load the TLS certificates from .*ca\.pem"):
        tls_context(ca_path=str(path))
