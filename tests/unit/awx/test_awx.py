# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What extensions/awx sets up works with the environment of its credential alone, through the engine under AWX."""

from __future__ import annotations

import json
import subprocess
import sys
import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import jinja2.sandbox
import project
import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator

AWX = project.ROOT / "extensions" / "awx"
SESSION = "oneadmin:opennebula"
PROGRAMS = Path(sys.executable).parent
BUILDER = [str(PROGRAMS / "ansible-builder"), "create"]


def load(name):
    """A file of extensions/awx, as Ansible reads it."""
    return DataLoader().load_from_file(str(AWX / name))


JOB_TEMPLATES = load("job_templates.yml")["awx_job_templates"]
SURVEYS = [each["survey"] for each in JOB_TEMPLATES if "survey" in each] + [
    load("workflow.yml")["awx_workflow"]["survey"]
]


def injected(inputs, folder):
    """The variables of the environment that AWX makes of the inputs of a credential."""
    kind = load("credential_type.yml")["awx_credential_type"]
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    given = {field["id"]: False for field in kind["inputs"]["fields"] if field["type"] == "boolean"} | inputs
    files = {}
    for name, template in kind["injectors"]["file"].items():
        path = folder / name.partition(".")[2]
        path.write_text(environment.from_string(str(template)).render(**given))
        files[path.name] = str(path)
    given["tower"] = SimpleNamespace(filename=SimpleNamespace(**files))
    return {name: environment.from_string(str(text)).render(**given) for name, text in kind["injectors"]["env"].items()}


def furnish(proxy, *hosts):
    """Gives a simulator hosts and a VM template."""
    for name in hosts:
        assert proxy.one.host.allocate(SESSION, name, "dummy", "dummy", 0)[0]
    assert proxy.one.template.allocate(SESSION, 'NAME="web" CPU="0.1" MEMORY="64"')[0]


@pytest.fixture
def access(simulator, tmp_path):
    """The environment of a credential for the simulator, which has two hosts and a VM template."""
    with xmlrpc.client.ServerProxy(simulator.url) as proxy:
        furnish(proxy, "node1", "node2")
    inputs = {"api_url": simulator.url, "api_username": "oneadmin", "api_password": "opennebula"}
    return injected(inputs, tmp_path)


@pytest.fixture
def data(tmp_path, access):
    """A private data directory of ansible-runner as AWX makes it: the project, and the credential's environment."""
    folder = tmp_path / "data"
    for name in ("env", "inventory"):
        (folder / name).mkdir(parents=True)
    (folder / "project").symlink_to(project.ROOT)
    (folder / "env" / "envvars").write_text(json.dumps(access))
    (folder / "inventory" / "hosts").write_text("localhost ansible_connection=local\n")
    project.link_collection()
    return folder


def runner(*arguments, given=b"", folder=None):
    """ansible-runner's output; its environment has no variables of OpenNebula."""
    pytest.importorskip("ansible_runner")
    settled = project.environment(ANSIBLE_NOCOLOR="1")
    command = [PROGRAMS / "ansible-runner", *map(str, arguments)]
    done = subprocess.run(command, input=given, env=settled, capture_output=True, cwd=folder, check=False)
    assert done.returncode == 0, (done.stdout[-4000:], done.stderr[-4000:])
    return done.stdout


def names_of_vms(simulator):
    return sorted(vm.name for vm in simulator.cloud["VM"] if vm.state != 6)


# ---------------------------------------------------------------- credential


CREDENTIALS = [
    ({}, {"ONE_VALIDATE_CERTS": "True", "ONE_CA_PATH": ""}),
    ({"skip_verification": True}, {"ONE_VALIDATE_CERTS": "False", "ONE_CA_PATH": ""}),
    ({"ca_certificate": "PEM"}, {"ONE_VALIDATE_CERTS": "True", "ONE_CA_PATH": "{folder}/ca"}),
]


@pytest.mark.parametrize(("inputs", "expected"), CREDENTIALS)
def test_a_credential_becomes_variables(inputs, expected, tmp_path):
    required = {"api_url": "https://one/RPC2", "api_username": "alice", "api_password": "hush"}
    found = injected({**required, **inputs}, tmp_path)
    known = {"ONE_URL": "https://one/RPC2", "ONE_USERNAME": "alice", "ONE_PASSWORD": "hush"}
    assert found == known | {name: text.format(folder=tmp_path) for name, text in expected.items()}


def test_the_credential_asks_for_nothing_else_and_hides_the_password():
    inputs = load("credential_type.yml")["awx_credential_type"]["inputs"]
    fields = {field["id"]: field for field in inputs["fields"]}
    assert set(inputs["required"]) <= set(fields)
    assert [name for name, field in fields.items() if field.get("secret")] == ["api_password"]


def test_no_boolean_of_the_credential_has_a_default():
    """AWX gives a boolean that is not set as false, whatever its default."""
    inputs = load("credential_type.yml")["awx_credential_type"]["inputs"]
    assert [field["id"] for field in inputs["fields"] if field["type"] == "boolean" and "default" in field] == []


def credential_inputs():
    """The inputs that configure.yml gives the credential."""
    tasks = load("configure.yml")[0]["tasks"]
    return next(task["awx.awx.credential"]["inputs"] for task in tasks if "awx.awx.credential" in task)


def test_the_playbook_gives_a_credential_what_its_type_asks_for():
    inputs = load("credential_type.yml")["awx_credential_type"]["inputs"]
    given = credential_inputs()
    assert set(inputs["required"]) <= set(given) <= {field["id"] for field in inputs["fields"]}


SETTINGS = [(None, False), ("", False), ("true", False), ("false", True), ("no", True)]


@pytest.mark.parametrize(("setting", "skipped"), SETTINGS)
def test_the_playbook_skips_verification_only_where_the_environment_says_so(setting, skipped, monkeypatch):
    monkeypatch.delenv("ONE_VALIDATE_CERTS", raising=False)
    if setting is not None:
        monkeypatch.setenv("ONE_VALIDATE_CERTS", setting)
    given = credential_inputs()
    assert Templar(DataLoader()).template(trust_as_template(given["skip_verification"])) is skipped


@pytest.mark.parametrize("given", [True, False])
def test_the_playbook_gives_the_certificate_that_the_environment_names(given, tmp_path, monkeypatch):
    monkeypatch.delenv("ONE_CA_PATH", raising=False)
    if given:
        (tmp_path / "ca.pem").write_text("BEGIN\nEND\n", encoding="utf-8")
        monkeypatch.setenv("ONE_CA_PATH", str(tmp_path / "ca.pem"))
    play = load("configure.yml")[0]["vars"]
    templar = Templar(DataLoader(), variables={"one_ca_path": trust_as_template(play["one_ca_path"])})
    found = templar.template(trust_as_template(credential_inputs()["ca_certificate"]))
    assert found == ("BEGIN\nEND" if given else "")


# ---------------------------------------------------------------- job templates


def answers(survey, **given):
    """The variables that a survey gives, with the default of what is not answered."""
    return {question["variable"]: question["default"] for question in survey["spec"]} | given


def survey_of(name):
    return next(each["survey"] for each in JOB_TEMPLATES if each["name"] == name)


def test_a_job_template_runs_with_the_credential_alone(data, simulator):
    (data / "env" / "extravars").write_text(json.dumps(answers(survey_of("Scale a fleet"))))
    runner("run", data, "-p", "playbooks/scale_fleet.yml")
    assert names_of_vms(simulator) == ["web-00", "web-01"]


def test_the_log_of_a_job_shows_what_is_waited_for(data, simulator):
    simulator.cloud.events.delay = 0.3
    given = answers(survey_of("Scale a fleet"), one_progress=0.2)
    (data / "env" / "extravars").write_text(json.dumps(given))
    assert b"WAITING: [localhost]: " in runner("run", data, "-p", "playbooks/scale_fleet.yml")


def test_a_host_is_evacuated_and_enabled(data, simulator):
    (data / "env" / "extravars").write_text(json.dumps(answers(survey_of("Scale a fleet"))))
    runner("run", data, "-p", "playbooks/scale_fleet.yml")
    (data / "env" / "extravars").write_text(json.dumps(answers(survey_of("Evacuate a host"), one_host="node1")))
    runner("run", data, "-p", "playbooks/evacuate_host.yml")
    assert {vm.history[-1]["hostname"] for vm in simulator.cloud["VM"]} == {"node2"}
    runner("run", data, "-p", "playbooks/enable_host.yml")
    assert simulator.cloud["HOST"].get_ro(0).state in (1, 2)


def test_the_drift_report_changes_nothing(data, simulator):
    (template,) = (each for each in JOB_TEMPLATES if each["name"] == "Report drift")
    (data / "env" / "extravars").write_text(json.dumps({**template["extra_vars"], "one_on_drift": "report"}))
    output = runner("run", data, "-p", template["playbook"]).decode()
    assert "19 to create, 6 to update, 0 to remove" in output  # two of the hosts are there
    assert [cluster.name for cluster in simulator.cloud["CLUSTER"]] == ["default"]


@pytest.mark.parametrize(("name", "host"), [("hosts.one_hosts.yml", "node1"), ("vms.one_vms.yml", "web")])
def test_a_source_of_the_inventory_works_with_the_credential_alone(data, simulator, name, host, monkeypatch):
    with xmlrpc.client.ServerProxy(simulator.url) as proxy:
        assert proxy.one.vm.allocate(SESSION, 'NAME="web" CPU="0.1" MEMORY="64"', True)[0]
    ansible_runner = pytest.importorskip("ansible_runner")
    settled = project.environment(**json.loads((data / "env" / "envvars").read_text()))
    monkeypatch.setenv("PATH", settled["PATH"])
    found, _errors = ansible_runner.get_inventory(
        action="list",
        inventories=[str(project.ROOT / "playbooks" / "inventory" / name)],
        response_format="json",
        envvars=settled,
        quiet=True,
    )
    assert host in found["_meta"]["hostvars"]


# ---------------------------------------------------------------- execution nodes


def on_a_node(folder, data, *arguments):
    """Runs a job as AWX does on an execution node: sent there, worked on, and its events brought back."""
    sent = runner("transmit", data, *arguments)
    (folder / "node").mkdir(parents=True)
    worked = runner("worker", "--private-data-dir", folder / "node", given=sent)
    return runner("process", folder, given=worked).decode()


@pytest.fixture
def zone():
    """Another simulator, with a host and the same VM template."""
    found = Simulator(Options(delay=0)).start()
    with xmlrpc.client.ServerProxy(found.url) as proxy:
        furnish(proxy, "other")
    yield found
    found.stop()


@pytest.fixture
def fleets(data, zone):
    """An inventory of four fleets, the last in another zone, whose project has only what is sent to a node."""
    (data / "project").unlink()
    (data / "project").mkdir()
    source = project.ROOT / "playbooks" / "scale_fleet.yml"
    (data / "project" / source.name).write_text(source.read_text())
    rows = [f"fleet{n} one_fleet=f{n}- one_count=2 one_template=web" for n in range(4)]
    rows[3] += f" one_api_url={zone.url}"
    (data / "inventory" / "hosts").write_text("\n".join(["[fleets]", *rows, ""]))
    (data / "env" / "extravars").write_text(json.dumps({"one_fleets": "fleets"}))
    return data


def test_slices_of_a_job_run_side_by_side_on_several_nodes(fleets, simulator, zone, tmp_path):
    """AWX gives slice i of n the hosts i, i + n, i + 2n and so on of the inventory."""
    hosts = [f"fleet{n}" for n in range(4)]
    slices = [":".join(hosts[start::2]) for start in range(2)]
    with ThreadPoolExecutor(len(slices)) as pool:
        jobs = [
            pool.submit(on_a_node, tmp_path / f"slice{number}", fleets, "-p", "scale_fleet.yml", f"--limit={limit}")
            for number, limit in enumerate(slices)
        ]
    for number, job in enumerate(jobs):
        assert [name for name in hosts if f"[{name}]" in job.result()] == hosts[number::2]
    assert names_of_vms(simulator) == [f"f{n}-0{m}" for n in range(3) for m in range(2)]
    assert names_of_vms(zone) == ["f3-00", "f3-01"]


# ---------------------------------------------------------------- environments and the form of the data


def test_the_collection_adds_nothing_to_an_execution_environment(tmp_path):
    pytest.importorskip("ansible_builder")
    definition = {"version": 3, "images": {"base_image": {"name": "localhost/base:1"}}}
    own = yaml.safe_load((project.ROOT / "meta" / "execution-environment.yml").read_text())
    contexts = []
    for name, dependencies in (("without", {}), ("with", own["dependencies"])):
        (tmp_path / f"{name}.yml").write_text(yaml.safe_dump({**definition, "dependencies": dependencies}))
        subprocess.run([*BUILDER, "-f", f"{name}.yml", "-c", name], cwd=tmp_path, capture_output=True, check=True)
        paths = sorted((tmp_path / name).rglob("*"))
        contexts.append({path.relative_to(tmp_path / name): path.read_text() for path in paths if path.is_file()})
    assert contexts[0] == contexts[1]
    found = subprocess.run(
        [PROGRAMS / "ansible-builder", "introspect", "--sanitize", str(project.COLLECTIONS)],
        env=project.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert yaml.safe_load(found.stdout) == {"python": [], "system": []}


@pytest.mark.parametrize(
    ("definition", "files"),
    [
        ("awx/execution-environment.yml", {"requirements.yml": "privazio.opennebula"}),
        ("eda/decision-environment.yml", {"requirements.txt": "pyzmq", "bindep.txt": "java"}),
    ],
)
def test_environments_can_be_built(definition, files, tmp_path):
    pytest.importorskip("ansible_builder")
    command = [*BUILDER, "-f", str(project.ROOT / "extensions" / definition), "-c", str(tmp_path)]
    subprocess.run(command, capture_output=True, check=True)
    for name, word in files.items():
        assert word in (tmp_path / "_build" / name).read_text()


TYPES = {"text": str, "integer": int, "multiplechoice": str}


@pytest.mark.parametrize("survey", SURVEYS, ids=lambda survey: survey["name"])
def test_surveys_have_the_form_that_awx_takes(survey):
    assert set(survey) == {"name", "description", "spec"}
    for question in survey["spec"]:
        assert {"question_name", "variable", "type", "required", "default"} <= set(question)
        assert isinstance(question["default"], TYPES[question["type"]])
        assert ("choices" in question) == (question["type"] == "multiplechoice")
        assert question["default"] in question.get("choices", [question["default"]])
        assert ("min" in question and "max" in question) == (question["type"] != "multiplechoice")


def test_job_templates_name_playbooks_that_ask_for_what_surveys_give():
    for template in JOB_TEMPLATES:
        text = (project.ROOT / template["playbook"]).read_text()
        for variable in answers(template.get("survey", {"spec": []})):
            assert variable in text, (template["name"], variable)


def test_what_job_templates_say_reaches_awx():
    module = "awx.awx.job_template"
    given = next(task[module] for task in load("configure.yml")[0]["tasks"] if module in task)
    assert all(f"item.{name}" in str(given) for each in JOB_TEMPLATES for name in each)


def test_whoever_launches_a_job_for_many_fleets_brings_their_inventory():
    """No source of the inventory makes their group."""
    for each in JOB_TEMPLATES:
        assert each.get("ask_inventory_on_launch", False) == ("one_fleets" in each.get("extra_vars", {}))


def test_the_workflow_leads_through_templates_that_there_are():
    nodes = load("workflow.yml")["awx_workflow"]["nodes"]
    known = {each["name"] for each in JOB_TEMPLATES}
    identifiers = {node["identifier"] for node in nodes}
    for node in nodes:
        job = node["unified_job_template"]
        assert job["type"] == "workflow_approval" or job["name"] in known
        assert {item["identifier"] for item in node.get("related", {}).get("success_nodes", [])} <= identifiers


def test_tasks_give_the_modules_of_awx_options_that_they_have():
    """With the documentation of awx.awx, which is part of the PyPI package ansible, where bench has installed it."""
    folders = list(project.BUILD.glob("**/site-packages/ansible_collections/awx/awx/plugins/modules"))
    if not folders:
        pytest.skip("awx.awx is not here: make bench installs it")
    for task in load("configure.yml")[0]["tasks"]:
        module, options = next((name, item) for name, item in task.items() if name.startswith("awx.awx."))
        text = (folders[0] / f"{module.rpartition('.')[2]}.py").read_text()
        documented = yaml.safe_load(text.partition("DOCUMENTATION = '''")[2].partition("'''")[0])["options"]
        names = set(documented) | {alias for item in documented.values() for alias in item.get("aliases", ())}
        assert set(options) <= names, module
        choices = {name: item["choices"] for name, item in documented.items() if "choices" in item}
        assert all(
            options[name] in allowed for name, allowed in choices.items() if "{" not in str(options.get(name, "{"))
        )
