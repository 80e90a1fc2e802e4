# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The inventory of VMs against the simulator."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleParserError

WEB = ('LABELS="prod/web, c"', "SSH_PORT=2222", 'DB_PASSWORD="hidden"', 'NOTE="{{ 1 + 1 }}"', 'ENVIRONMENT="test"')


@pytest.fixture
def web(cloud):
    """A cloud with three VMs, two of one name."""
    for name in ("web", "web", "db"):
        cloud.vm(name, *WEB)
    return cloud


@pytest.fixture
def wired(cloud):
    """A cloud with the networks mgmt and public, and the VMs `both` (NICs in both, an alias in mgmt) and `none`."""
    for name, net in (("mgmt", "10.0.0.1"), ("public", "192.0.2.1")):
        lease = f'AR=[TYPE="IP4_6", IP="{net}", SIZE="9", GLOBAL_PREFIX="2001:db8::"]'
        cloud("vn.allocate", f'NAME="{name}" VN_MAD="dummy" BRIDGE="br0" {lease}', -1)
    nics = ('NIC=[NETWORK="mgmt", NAME="front"]', 'NIC=[NETWORK="public", EXTERNAL_IP="203.0.113.9"]')
    cloud.vm("both", *nics, 'NIC_ALIAS=[NETWORK="mgmt", PARENT="front"]', 'CONTEXT=[USERNAME="admin"]')
    cloud.vm("none", 'JUMP="ops@bastion:2200"')
    return cloud


def members(inventory, group):
    return sorted(host.name for host in inventory.groups[group].get_hosts())


def variables(inventory, host):
    return inventory.hosts[host].get_vars()


def test_as_ansible_inventory_lists_them(listed, web):
    data, complaints = listed("one_vms", web.url)
    assert sorted(data["state_held"]["hosts"]) == ["db", "web-0", "web-1"]
    assert data["label_prod"] == {"children": ["label_prod_web"]}
    found = data["_meta"]["hostvars"]["db"]
    assert found["one_cpu"] == 0.5
    assert (found["one_owner"], found["one_memory"], found["ansible_port"]) == ("oneadmin", 64, 2222)
    assert found["one_attributes"]["NOTE"] == "{{ 1 + 1 }}"
    assert "hidden" not in str(data)
    assert not complaints


@pytest.mark.parametrize("facts", ["full", "minimal"])
def test_the_connection_is_set_on_demand(parsed, web, facts):
    found = parsed("one_vms", web.url, facts=[facts], connection="privazio.opennebula.guest")
    assert variables(found, "db")["ansible_connection"] == "privazio.opennebula.guest"
    assert variables(found, "db")["one_id"] == 2
    assert "ansible_connection" not in variables(parsed("one_vms", web.url, facts=[facts]), "db")


def test_what_is_empty_is_no_variable(parsed, web):
    found = variables(parsed("one_vms", web.url), "db")
    assert {"ansible_host", "one_host", "one_nics", "one_template", "one_zone"}.isdisjoint(found)


@pytest.mark.parametrize(
    "facts, names",
    [
        (["minimal"], {"one_id", "one_state", "ansible_port"}),
        (["one_cpu"], {"one_cpu"}),
        (["minimal", "one_labels"], {"one_id", "one_state", "ansible_port", "one_labels"}),
        ([], set()),
    ],
)
def test_facts_are_chosen(parsed, web, facts, names):
    found = variables(parsed("one_vms", web.url, facts=facts), "db")
    assert {name for name in found if name.startswith(("one_", "ansible_"))} == names


def test_expressions_see_all_facts(parsed, web):
    found = parsed("one_vms", web.url, facts=["one_id"], compose={"twice": "one_memory * 2", "where": "one_nics"})
    assert variables(found, "db")["twice"] == 128
    assert variables(found, "db")["where"] == []
    assert "one_memory" not in variables(found, "db")


@pytest.mark.parametrize(
    "options, hosts",
    [
        ({"states": ["running"]}, []),
        ({"states": ["held"]}, ["db", "web-0", "web-1"]),
        ({"states": []}, []),
        ({"labels": ["prod"]}, ["db", "web-0", "web-1"]),
        ({"labels": ["web"]}, []),
        ({"names": ["w*"]}, ["web-0", "web-1"]),
        ({"owners": ["oneadmin"]}, ["db", "web-0", "web-1"]),
        ({"owners": ["0", "nobody"]}, ["db", "web-0", "web-1"]),
        ({"owners": ["7"]}, []),
        ({"clusters": ["default"]}, []),
        ({"attributes": {"ENVIRONMENT": "test", "SSH_PORT": [22, 2222]}}, ["db", "web-0", "web-1"]),
        ({"attributes": {"environment": "other"}}, []),
        ({"filters": [{"include": "one_id == 2"}, {"exclude": True}]}, ["db"]),
        ({"filters": [{"exclude": "inventory_hostname == 'web'"}]}, ["db"]),
        ({"without_address": "drop"}, []),
    ],
)
def test_filters(parsed, web, options, hosts):
    assert sorted(parsed("one_vms", web.url, **options).hosts) == hosts


@pytest.mark.parametrize(
    "hostname, hosts",
    [
        ("id", ["0", "1", "2"]),
        ("name-id", ["db-2", "web-0", "web-1"]),
        ("one_name ~ '.' ~ one_owner", ["db.oneadmin", "web.oneadmin-0", "web.oneadmin-1"]),
        ("one_host", ["db", "web-0", "web-1"]),
    ],
)
def test_hostnames(parsed, web, hostname, hosts):
    assert sorted(parsed("one_vms", web.url, hostname=hostname).hosts) == hosts


def test_groups(parsed, cloud):
    member = cloud("vmgroup.allocate", 'NAME="tier" ROLE=[NAME="front"]')
    flow = ('SERVICE_ID="7"', 'ROLE_NAME="node"', f'VMGROUP=[VMGROUP_ID="{member}", ROLE="front"]')
    cloud.vm("node", 'LABELS="a/b/c"', *flow, 'RACK="r 1"')
    words = ["service", "role", "vm_group", "label", "owner", "group", "RACK", "host", "template"]
    found = parsed("one_vms", cloud.url, group_by=words)
    names = ["group_oneadmin", "label_a", "label_a_b", "label_a_b_c", "owner_oneadmin"]
    names += ["rack_r_1", "role_node", "service_7", "vm_group_tier"]
    assert sorted(set(found.groups) - {"all", "ungrouped"}) == names
    assert all(members(found, name) == ["node"] for name in names)
    assert [child.name for child in found.groups["label_a"].child_groups] == ["label_a_b"]


@pytest.mark.parametrize(
    "address, host",
    [
        (["first"], "10.0.0.1"),
        (["public"], "192.0.2.1"),
        (["nothing", "pub*"], "192.0.2.1"),
        (["alias"], "10.0.0.2"),
        (["external"], "203.0.113.9"),
        (["ipv4"], "10.0.0.1"),
        (["ipv6"], "2001:db8::aff:fe00:1"),
        (["guest", "nothing"], None),
        ([], None),
    ],
)
def test_addresses(parsed, wired, address, host):
    assert variables(parsed("one_vms", wired.url, address=address), "both").get("ansible_host") == host


def test_nics(parsed, wired):
    front, public, alias = variables(parsed("one_vms", wired.url, group_by=["network"]), "both")["one_nics"]
    assert (front["name"], front["network"], front["nic_id"]) == ("front", "mgmt", 0)
    assert public["external_ip"] == "203.0.113.9"
    assert (alias["alias"], alias["parent"]) == (True, "front")


def test_a_vm_without_an_address_is_kept_or_dropped(parsed, wired):
    assert sorted(parsed("one_vms", wired.url).hosts) == ["both", "none"]
    assert sorted(parsed("one_vms", wired.url, without_address="drop").hosts) == ["both"]


def test_user_and_jump_host_come_from_attributes(parsed, wired):
    found = parsed("one_vms", wired.url, user_attribute="USERNAME", jump_host_attribute="JUMP")
    assert variables(found, "both")["ansible_user"] == "admin"
    assert variables(found, "none")["ansible_ssh_common_args"] == "-o ProxyJump=ops@bastion:2200"


def test_constructed(parsed, web):
    options = {"group_by": [], "groups": {"first": "one_id == 0"}, "strict": True}
    found = parsed("one_vms", web.url, keyed_groups=[{"key": "one_group", "prefix": "g"}], **options)
    assert members(found, "first") == ["web-0"]
    assert members(found, "g_oneadmin") == ["db", "web-0", "web-1"]


@pytest.mark.parametrize(
    "options",
    [
        {"compose": {"x": "nothing.there"}},
        {"groups": {"x": "nothing.there"}},
        {"keyed_groups": [{"key": "nothing.there"}]},
        {"hostname": "nothing.there"},
    ],
)
def test_strict(parsed, web, options):
    assert len(parsed("one_vms", web.url, **options).hosts) == 3
    with pytest.raises(AnsibleParserError, match=r"web"):
        parsed("one_vms", web.url, strict=True, **options)


def test_extra_variables(listed, web):
    options = {"compose": {"who": "asked"}, "use_extra_vars": True}
    assert listed("one_vms", web.url, "-e", "asked=me", **options)[0]["_meta"]["hostvars"]["db"]["who"] == "me"


def test_vms_named_as_what_ansible_knows_stay_hosts(parsed, cloud):
    names = ("all", "ungrouped", "localhost", "state_held", "mine", "web")
    ids = {name: cloud.vm(name, "SSH_PORT=2222") for name in names}
    found = parsed("one_vms", cloud.url, groups={"mine": "one_id == 0"}, compose={"x": "1"})
    assert sorted(found.hosts) == sorted([*(f"{name}-{ids[name]}" for name in names[:-1]), "web"])
    assert not any(group.vars for group in found.groups.values())
    assert all(variables(found, host)["ansible_port"] == 2222 for host in found.hosts)
    assert found.localhost is None


def test_a_keyed_group_may_be_named_as_a_vm(parsed, cloud, warnings):
    for name in ("web", "db"):
        cloud.vm(name)
    found = parsed("one_vms", cloud.url, keyed_groups=[{"key": "one_name", "separator": ""}], compose={"x": "one_id"})
    assert [variables(found, name)["x"] for name in ("web", "db")] == [0, 1]
    assert members(found, "web") == ["web"]
    assert not found.groups["web"].vars


def test_it_is_an_error_to_filter_by_what_cannot_be_told(parsed, web):
    with pytest.raises(AnsibleParserError, match=r"Cannot tell whether the filter 'ROLE == 1' holds for web"):
        parsed("one_vms", web.url, filters=[{"include": "ROLE == 1"}])


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"stats": ["running"]}, r"^cloud.one_vms.yml does not take 'stats'. Did you mean states\?$"),
        (
            {"keyed_groups": [{"kye": "one_name"}]},
            r"^An item of the option keyed_groups does not take 'kye'. Did you mean key",
        ),
        ({"keyed_groups": [{"prefix": "a"}]}, r"^An item of the option keyed_groups needs key.$"),
        ({"keyed_groups": ["one_name"]}, r"^keyed_groups takes a list of dictionaries, not 'one_name' in it.$"),
        (
            {"keyed_groups": {"key": "one_name", "seperator": ""}},
            r"does not take 'seperator'. Did you mean separator\?$",
        ),
        ({"quite_other": 1}, r"does not take 'quite_other'. It takes: .*page_size"),
        ({"facts": ["one_nic"]}, r"^facts does not take 'one_nic'. Did you mean one_nics\?$"),
        ({"group_by": ["labels"]}, r"^group_by does not take 'labels'. Did you mean label\?$"),
        ({"filters": [{"only": "x"}]}, r"^Each item of the option filters is include or exclude"),
        ({"states": ["runing"]}, r"^states does not take 'runing'. Did you mean running\?$"),
        ({"states": "running, stoped"}, r"^states does not take 'stoped'. Did you mean stopped\?$"),
        ({"on_server_error": "Warn"}, r"^on_server_error does not take 'Warn'. Did you mean warn\?$"),
        ({"validate_certs": "maybe"}, r"^validate_certs takes true or false, not 'maybe'.$"),
        ({"api_password": {"a": "hush"}}, r"^api_password takes a text, not a list or a dictionary.$"),
        ({"strict": "treu"}, r"^strict takes true or false, not 'treu'.$"),
        ({"timeout": -1}, r"^The option timeout takes a number from 0, not -1.0.$"),
        ({"names": [{"a": 1}]}, r"^names takes a list of texts, not {'a': 1} in it.$"),
        ({"page_size": 1}, r"pages of 2"),
        ({"servers": ["east"]}, r"^The option servers takes a list of dictionaries, not 'east'.$"),
        ({"servers": [{"url": "x"}]}, r"^An item of the option servers does not take 'url'. Did you mean api_url\?$"),
        ({"servers": [{"name": "a"}, {"name": "a"}]}, r"^Several items of the option servers have the name 'a'.$"),
        ({"servers": [{"timeout": "long"}]}, r"^In the option servers: .*timeout"),
        ({"zones": ["west"]}, r"^There is no zone 'west'; there are: OpenNebula.$"),
        ({"api_authfile": "/nowhere", "api_username": "", "api_password": ""}, r"^Cannot read api_authfile /nowhere"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(parsed, web, options, sentence):
    with pytest.raises(AnsibleParserError, match=sentence) as caught:
        parsed("one_vms", web.url, **options)
    assert 'opennebula"' not in str(caught.value)


def test_the_environment_says_true_or_false_too(parsed, web, monkeypatch):
    monkeypatch.setenv("ONE_VALIDATE_CERTS", "flase")
    with pytest.raises(AnsibleParserError, match=r"^ONE_VALIDATE_CERTS takes true or false, not 'flase'.$"):
        parsed("one_vms", web.url)
    monkeypatch.setenv("ONE_VALIDATE_CERTS", "")
    assert parsed("one_vms", web.url).hosts


@pytest.mark.parametrize("options", [{"clusters": [0]}, {"owners": [0]}, {"names": [7]}, {"labels": [2024]}])
def test_numbers_in_lists_are_texts(parsed, cloud, options):
    cloud("vm.deploy", cloud.vm("7", "LABELS=2024"), 0, False, -1, "")
    assert list(parsed("one_vms", cloud.url, **options).hosts) == ["7"]


def test_a_wrong_password_is_one_sentence(listed, web):
    complaints = listed("one_vms", web.url, api_password="terribly-secret")[1]
    assert "Cannot list the VMs: " in complaints
    assert "terribly-secret" not in complaints
    assert "Traceback" not in complaints


def test_the_server_filters_what_it_can(parsed, web, monkeypatch):
    asked = []
    pool = "ansible_collections.privazio.opennebula.plugins.plugin_utils.inventory_sources.pool_all"
    monkeypatch.setattr(pool, lambda *given, **arguments: asked.append(arguments) or iter(()))
    parsed("one_vms", web.url, states=["running", "unknown"], owners=["oneadmin"], page_size=50, search="VM.NAME=w")
    expected = {"state": 3, "filter_flag": -3, "page": 50, "filter": "VM.NAME=w", "extended": True}
    assert asked == [expected]


def test_the_file_of_credentials(parsed, web, tmp_path):
    (tmp_path / "auth").write_text("oneadmin:opennebula\n", encoding="utf-8")
    options = {"api_authfile": str(tmp_path / "auth"), "api_username": None, "api_password": None}
    assert len(parsed("one_vms", web.url, **options).hosts) == 3
    (tmp_path / "auth").write_text("oneadmin\n", encoding="utf-8")
    with pytest.raises(AnsibleParserError, match=r"auth is not user:password\.$"):
        parsed("one_vms", web.url, **options)
