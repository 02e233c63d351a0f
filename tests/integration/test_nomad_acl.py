"""ACLs over a real agent: an unmodified client, a restricted token, a restart, nothing in clear on disk."""
import http.client
import urllib.parse

import nomad as python_nomad
import pytest

import serai
from test_clients import JOB

TEAM = """
namespace "team" {
  policy       = "write"
  capabilities = ["alloc-node-exec"]
}
"""


def client_for(agent, token):
    u = urllib.parse.urlparse(agent.addr)
    return python_nomad.Nomad(host=u.hostname, port=u.port, token=token)


def as_token(agent, token, method, path, body=None):
    return serai.request(agent.addr, method, path, body, headers={"X-Nomad-Token": token} if token else {})


def test_a_restricted_token_works_in_its_namespace_and_nowhere_else(box):
    agent = box.nomad(acl=True)
    boot = client_for(agent, None).acl.generate_bootstrap()
    root = client_for(agent, boot["SecretID"])
    root.namespace.create_namespace({"Name": "team"})
    root.acl.create_policy("team", {"Name": "team", "Rules": TEAM})
    made = root.acl.create_token({"Name": "dev", "Type": "client", "Policies": ["team"]})
    dev = client_for(agent, made["SecretID"])

    job = dict(JOB, Namespace="team")
    dev.job.register_job("client", {"Job": job})
    agent.wait(lambda: as_token(agent, made["SecretID"], "GET", "/v1/job/client/allocations?namespace=team")
               .json[0]["ClientStatus"] == "running", "the team's job to run")
    alloc = as_token(agent, made["SecretID"], "GET", "/v1/allocations?namespace=team").json[0]["ID"]

    def status(token, method, path, body=None):
        return as_token(agent, token, method, path, body).status

    log = f"/v1/client/fs/logs/{alloc}?task=t&type=stdout&plain=true"
    rows = [
        ("its log", made["SecretID"], "GET", log, None, 200),
        ("its log, for nobody", None, "GET", log, None, 403),
        ("its stats, for nobody", None, "GET", f"/v1/client/allocation/{alloc}/stats", None, 403),
        ("a job elsewhere", made["SecretID"], "PUT", "/v1/jobs", {"Job": dict(JOB, Namespace="default")}, 403),
        ("jobs elsewhere", made["SecretID"], "GET", "/v1/jobs", None, 403),
        ("the tokens", made["SecretID"], "GET", "/v1/acl/tokens", None, 403),
        ("garbage", "garbage", "GET", "/v1/jobs", None, 403),
    ]
    for label, token, method, path, body, want in rows:
        assert status(token, method, path, body) == want, label
    with pytest.raises(python_nomad.api.exceptions.URLNotAuthorizedNomadException):
        dev.nodes.get_nodes()

    agent.restart()
    agent.wait(lambda: as_token(agent, None, "GET", "/v1/status/leader").status == 200, "the agent to be back")
    assert status(made["SecretID"], "GET", "/v1/job/client?namespace=team") == 200
    assert status(made["SecretID"], "GET", "/v1/jobs") == 403
    assert root.acl.get_token(made["AccessorID"])["SecretID"] == made["SecretID"]
    assert root.acl.get_self_token()["SecretID"] == boot["SecretID"]

    secrets = [boot["SecretID"].encode(), made["SecretID"].encode()]
    for path in agent.data.rglob("*"):
        if path.is_file():
            text = path.read_bytes()
            assert not any(s in text for s in secrets), f"{path} holds a token's secret"


def test_an_agent_without_a_server_asks_one_who_may(box):
    server = box.nomad("server1", "server", acl=True)
    boot = client_for(server, None).acl.generate_bootstrap()["SecretID"]
    agent = box.nomad("client1", "client", acl=True, servers=[server.rpc], wait=False)
    agent.wait(lambda: as_token(server, boot, "GET", "/v1/nodes").json[0]["Status"] == "ready", "the node to be ready")
    node = as_token(server, boot, "GET", "/v1/nodes").json[0]["ID"]
    for path in ("/v1/agent/self", f"/v1/client/stats?node_id={node}", "/v1/jobs"):
        assert as_token(agent, None, "GET", path).status == 403, path
        assert as_token(agent, boot, "GET", path).status == 200, path
        bearer = serai.request(agent.addr, "GET", path, headers={"Authorization": f"bearer {boot}"})
        assert bearer.status == 200, path
    assert as_token(agent, boot, "GET", "/v1/agent/self").json["stats"]["client"]["node_id"] == node


def test_a_stream_of_events_ends_with_its_token(box):
    agent = box.nomad("server1", "server", acl=True)
    boot = client_for(agent, None).acl.generate_bootstrap()["SecretID"]
    root = client_for(agent, boot)
    root.acl.create_policy("reader", {"Name": "reader", "Rules": 'namespace "default" { policy = "read" }'})
    made = root.acl.create_token({"Type": "client", "Policies": ["reader"]})
    for path in ("/v1/event/stream", "/v1/event/stream?topic=Node", "/v1/event/stream?topic=Job&namespace=*"):
        assert as_token(agent, made["SecretID"], "GET", path).status == 403, path
    u = urllib.parse.urlsplit(agent.addr)
    stream = http.client.HTTPConnection(u.hostname, u.port, timeout=60)
    stream.request("GET", "/v1/event/stream?topic=Job", headers={"X-Nomad-Token": made["SecretID"]})
    reply = stream.getresponse()
    assert reply.status == 200
    assert reply.readline() == b"{}\n"
    root.acl.delete_token(made["AccessorID"])
    while reply.readline():
        pass
    stream.close()
