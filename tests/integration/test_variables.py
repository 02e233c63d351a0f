"""Variables, namespaces and the keyring through unmodified clients; restarts; a killed rotation."""
import json
import os
import signal
import urllib.parse

import nomad as python_nomad
import pytest

import serai

CANARY = "canary-0815-is-never-seen"


def client_of(agent):
    u = urllib.parse.urlsplit(agent.addr)
    return python_nomad.Nomad(host=u.hostname, port=u.port)


def test_python_nomad_variables(nomad):
    client = client_of(nomad)
    made = client.variable.create_variable("app/db", {"Items": {"user": "bob", "password": "one"}})
    assert client.variable.get_variable("app/db")["Items"] == {"user": "bob", "password": "one"}
    with pytest.raises(python_nomad.api.exceptions.VariableConflict):
        client.variable.create_variable("app/db", {"Items": {"a": "b"}}, cas=0)
    client.variable.create_variable("app/db", {"Items": {"a": "b"}}, cas=made["ModifyIndex"])
    assert [v["Path"] for v in client.variables.get_variables("app")] == ["app/db"]
    client.variable.delete_variable("app/db")
    with pytest.raises(python_nomad.api.exceptions.URLNotFoundNomadException):
        client.variable.get_variable("app/db")


def test_python_nomad_namespaces(nomad):
    client = client_of(nomad)
    client.namespace.create_namespace({"Name": "team", "Description": "a team"})
    assert sorted(n["Name"] for n in client.namespaces) == ["default", "team"]
    client.variable.create_variable("x", {"Items": {"a": "b"}}, namespace="team")
    with pytest.raises(python_nomad.api.exceptions.BaseNomadException):
        client.namespace.delete_namespace("team")
    client.variable.delete_variable("x", namespace="team")
    client.namespace.delete_namespace("team")
    assert [n["Name"] for n in client.namespaces] == ["default"]


def keys(agent):
    return {k["KeyID"]: k["State"] for k in agent.get("/v1/operator/keyring/keys")}


def read_all(agent, n):
    return [agent.get(f"/v1/var/many/{i}")["Items"]["k"] for i in range(n)]


def test_a_rotation_survives_kill_9_and_nothing_is_in_clear(box):
    agent = box.nomad(role="server")
    want = [f"{CANARY}-{i}" for i in range(400)]
    for i, value in enumerate(want):
        agent.put(f"/v1/var/many/{i}", {"Items": {"k": value}})
    first, = keys(agent)
    agent.put("/v1/operator/keyring/rotate?full=true")
    agent.restart(signal.SIGKILL)
    box.wait_nomad(agent, None, nodes=False)
    serai.wait_for(lambda: keys(agent).get(first) == "inactive", what="the rotation to end")
    assert read_all(agent, len(want)) == want
    assert agent.request("DELETE", f"/v1/operator/keyring/key/{first}").status == 200
    agent.restart()
    box.wait_nomad(agent, None, nodes=False)
    assert read_all(agent, len(want)) == want
    agent.stop()
    key_file = agent.data / "server" / "keystore" / "root.key"
    assert key_file.stat().st_mode & 0o7777 == 0o600
    for folder, _, files in os.walk(agent.data):
        for name in files:
            with open(os.path.join(folder, name), "rb") as f:
                assert CANARY.encode() not in f.read(), name
    assert CANARY not in agent.log


def test_var_lock_runs_a_child_and_lets_go(box, nomad):
    r = box.run("nomad", "var", "lock", "lk", "nomad var get -out json lk; exit 7")
    assert r.code == 7, r
    assert json.loads(r.out)["Lock"]["ID"]
    assert "Lock" not in nomad.get("/v1/var/lk")


def test_job_init_writes_a_template_that_a_variable_holds(nomad, box):
    text = 'job "mine" {\n  # a remark\n}\n'
    box.write("t.hcl", text)
    run = lambda *args: box.run("nomad", *args, env={"NOMAD_ADDR": nomad.addr})
    assert "No job templates found" in run("job", "init", "-list-templates").fails(1).err
    run("var", "put", "nomad/job-templates/small", "template=@t.hcl").ok()
    assert run("job", "init", "-list-templates").ok().out.endswith("\n  small\n")
    assert run("job", "init", "-template", "small", "a.hcl").ok().out == "Example job file written to a.hcl\n"
    assert (box.work / "a.hcl").read_text() == text
    run("job", "init", "-short", "-template", "small", "b.hcl").ok()
    assert (box.work / "b.hcl").read_text() == 'job "mine" {\n}\n'
    assert 'Job template "none" not found' in run("job", "init", "-template", "none", "c.hcl").fails(1).err
    run("var", "put", "nomad/job-templates/odd", "text=x").ok()
    assert "is malformed" in run("job", "init", "-template", "odd", "c.hcl").fails(1).err
    assert not (box.work / "c.hcl").exists()


def test_a_servers_configuration_says_how_much_of_a_jobs_text_is_kept(box):
    agent = box.nomad(extra='server {\n  job_max_source_size = "1k"\n}\n')
    run = lambda *args: box.run("nomad", *args, env={"NOMAD_ADDR": agent.addr})
    text = 'job "%s" {\n  group "g" {\n    count = 0\n    task "t" {\n      driver = "raw_exec"\n    }\n  }\n}\n'
    box.write("small.hcl", text % "small")
    box.write("big.hcl", text % "big" + "#" * 1000)
    assert "exceeds maximum" not in run("job", "run", "-detach", "small.hcl").ok().out
    r = run("job", "run", "-detach", "big.hcl").ok()
    assert "exceeds maximum of 1000 B" in r.out + r.err
    assert agent.request("GET", "/v1/job/small/submission?version=0").status == 200
    assert agent.request("GET", "/v1/job/big/submission?version=0").status == 404
