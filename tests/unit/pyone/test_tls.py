# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Which servers a client trusts, with certificates of authorities that the tests make."""

from __future__ import annotations

import ssl
import subprocess
import warnings
from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneConnectionException,
    OneException,
    tls_context,
)
from loopback import number

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
    return SimpleNamespace(servers=servers, clients=clients, hashed=str(hashed), **paths)


@pytest.fixture
def serving(endpoint, tls):
    """serving(name of a server's certificate, **attributes of its context) -> an endpoint."""

    def serve(name, **attributes):
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
        return endpoint(number(7), context=context)

    return serve


@pytest.mark.parametrize("trusted", ["ca", "hashed"])
def test_a_known_authority_is_trusted(serving, client, tls, trusted):
    assert client(serving("good").url, https_verify=getattr(tls, trusted)).call(READ, 0) == 7


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
def test_no_other_server_is_told_the_session(serving, client, tls, server, trusted, reason):
    found = serving(server)
    with pytest.raises(OneConnectionException, match=rf"its certificate is not trusted \(.*({reason})") as caught:
        client(found.url, https_verify=getattr(tls, trusted) if trusted else True, retries=0).host.delete(0)
    assert not caught.value.sent
    assert found.requests == []


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


@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("release", ["TLSv1", "TLSv1_1"])
def test_old_releases_of_tls_are_refused(serving, client, tls, release, verified):
    version = getattr(ssl.TLSVersion, release)
    found = serving("good", minimum_version=version, maximum_version=version)
    with pytest.raises(OneConnectionException):
        client(found.url, https_verify=tls.ca if verified else False, retries=0).call(READ, 0)
    assert found.requests == []
    assert client(found.url, context=careless(version)).call(READ, 0) == 7


@pytest.mark.parametrize("release", ["TLSv1_2", "TLSv1_3"])
def test_new_releases_of_tls_are_taken(serving, client, tls, release):
    version = getattr(ssl.TLSVersion, release)
    found = serving("good", minimum_version=version, maximum_version=version)
    assert client(found.url, https_verify=tls.ca).call(READ, 0) == 7


@pytest.mark.parametrize(("identity", "accepted"), [("ours", True), ("theirs", False), (None, False)])
@pytest.mark.parametrize("release", ["TLSv1_2", "TLSv1_3"])
def test_certificates_of_clients(serving, client, tls, identity, accepted, release):
    found = serving("good", verify_mode=ssl.CERT_REQUIRED, maximum_version=getattr(ssl.TLSVersion, release))
    context = tls_context(True, tls.ca, *(tls.clients[identity] if identity else ()))
    one = client(found.url, context=context, retries=0)
    if accepted:
        assert one.call(READ, 0) == 7
    else:
        with pytest.raises(OneConnectionException):
            one.call(READ, 0)
        assert found.requests == []


@pytest.mark.parametrize("content", ["", "no certificate", None])
def test_an_authority_that_is_none(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(OneException, match=r"cannot load the TLS certificates from .*ca\.pem"):
        tls_context(ca_path=str(path))
