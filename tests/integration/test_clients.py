"""Unmodified clients of Vault and Nomad drive our servers: hvac, python-nomad, node-vault, curl."""
import urllib.parse

import hvac
import nomad as python_nomad
import pytest

import serai

JOB = {
    "ID": "client", "Name": "client", "Type": "service", "Datacenters": ["dc1"],
    "TaskGroups": [{
        "Name": "g", "Count": 1,
        "Tasks": [{
            "Name": "t", "Driver": "raw_exec",
            "Config": {"command": "/bin/sh", "args": ["-c", "echo hello from $NOMAD_TASK_NAME; exec sleep 600"]},
            "Resources": {"CPU": 50, "MemoryMB": 16},
        }],
    }],
}


@pytest.fixture
def hv(vault):
    return hvac.Client(url=vault.addr, token=vault.token)


def test_hvac_kv2(hv):
    kv = hv.secrets.kv.v2
    kv.create_or_update_secret("app/db", secret={"password": "one"})
    kv.create_or_update_secret("app/db", secret={"password": "two"}, cas=1)
    assert kv.read_secret_version("app/db", raise_on_deleted_version=True)["data"]["data"] == {"password": "two"}
    assert kv.read_secret_version("app/db", version=1, raise_on_deleted_version=True)["data"]["data"] == \
        {"password": "one"}
    with pytest.raises(hvac.exceptions.InvalidRequest, match="check-and-set"):
        kv.create_or_update_secret("app/db", secret={"password": "three"}, cas=1)
    assert kv.list_secrets("app")["data"]["keys"] == ["db"]
    kv.delete_latest_version_of_secret("app/db")
    with pytest.raises(hvac.exceptions.InvalidPath):
        kv.read_secret_version("app/db", raise_on_deleted_version=True)
    kv.undelete_secret_versions("app/db", versions=[2])
    assert kv.read_secret_metadata("app/db")["data"]["current_version"] == 2
    kv.delete_metadata_and_all_versions("app/db")
    with pytest.raises(hvac.exceptions.InvalidPath):
        kv.read_secret_metadata("app/db")


def test_hvac_kv1_and_mounts(hv):
    hv.sys.enable_secrets_engine("kv", path="old", options={"version": "1"})
    assert "old/" in hv.sys.list_mounted_secrets_engines()["data"]
    kv = hv.secrets.kv.v1
    kv.create_or_update_secret("a", secret={"x": "1"}, mount_point="old")
    assert kv.read_secret("a", mount_point="old")["data"] == {"x": "1"}
    hv.sys.tune_mount_configuration("old", default_lease_ttl="1h")
    assert hv.sys.read_mount_configuration("old")["data"]["default_lease_ttl"] == 3600
    hv.sys.disable_secrets_engine("old")
    assert "old/" not in hv.sys.list_mounted_secrets_engines()["data"]


def test_hvac_policies_and_tokens(vault, hv):
    hv.sys.create_or_update_policy("reader", 'path "secret/data/*" { capabilities = ["read"] }')
    assert "reader" in hv.sys.list_policies()["data"]["policies"]
    made = hv.auth.token.create(policies=["reader"], ttl="1h", num_uses=0)["auth"]
    own = hvac.Client(url=vault.addr, token=made["client_token"])
    assert own.auth.token.lookup_self()["data"]["policies"] == ["default", "reader"]
    with pytest.raises(hvac.exceptions.Forbidden, match="permission denied"):
        own.secrets.kv.v2.create_or_update_secret("x", secret={"a": "b"})
    assert own.auth.token.renew_self()["auth"]["lease_duration"] == 3600
    hv.auth.token.revoke_accessor(made["accessor"])
    assert not own.is_authenticated()


def test_hvac_wrapping(vault, hv):
    hv.secrets.kv.v2.create_or_update_secret("w", secret={"a": "b"})
    wrapped = hv.read("secret/data/w", wrap_ttl="60s")["wrap_info"]
    got = hvac.Client(url=vault.addr).sys.unwrap(wrapped["token"])
    assert got["data"]["data"] == {"a": "b"}
    with pytest.raises(hvac.exceptions.InvalidRequest):
        hvac.Client(url=vault.addr).sys.unwrap(wrapped["token"])


def test_hvac_init_unseal_and_seal(box):
    v = box.vault()
    client = hvac.Client(url=v.addr)
    assert not client.sys.is_initialized()
    made = client.sys.initialize(secret_shares=5, secret_threshold=3)
    assert client.sys.is_sealed()
    assert client.sys.submit_unseal_keys(made["keys"][:3])["sealed"] is False
    client.token = made["root_token"]
    assert client.is_authenticated()
    client.sys.seal()
    assert client.sys.is_sealed()


def test_python_nomad_job_life(nomad):
    u = urllib.parse.urlsplit(nomad.addr)
    client = python_nomad.Nomad(host=u.hostname, port=u.port)
    assert client.agent.get_agent()["member"]["Name"] == "node1.global"
    assert client.job.plan_job("client", {"Job": JOB, "Diff": True})["Diff"]["Type"] == "Added"
    assert client.job.register_job("client", {"Job": JOB})["EvalID"]
    alloc = serai.wait_for(lambda: [a for a in client.job.get_allocations("client")
                                    if a["ClientStatus"] == "running"], what="the job to run")[0]
    assert "client" in client.jobs
    assert client.job.get_job("client")["TaskGroups"][0]["Tasks"][0]["Config"]["command"] == "/bin/sh"
    assert client.job.get_summary("client")["Summary"]["g"]["Running"] == 1
    logs = serai.wait_for(lambda: client.client.stream_logs.stream(alloc["ID"], "t", "stdout", plain=True))
    assert logs.strip() == "hello from t"
    assert any(entry["Name"] == "t" for entry in client.client.ls.list_files(alloc["ID"], "/"))
    client.job.deregister_job("client")
    serai.wait_for(lambda: client.allocation.get_allocation(alloc["ID"])["ClientStatus"] == "complete",
                   what="the job to stop")
    with pytest.raises(python_nomad.api.exceptions.URLNotFoundNomadException):
        client.job.get_job("nosuch")


def test_python_nomad_nodes_and_parse(nomad):
    u = urllib.parse.urlsplit(nomad.addr)
    client = python_nomad.Nomad(host=u.hostname, port=u.port)
    node = client.nodes.get_nodes()[0]
    assert client.node.get_node(node["ID"])["Drivers"]["raw_exec"]["Healthy"]
    assert client.jobs.parse('job "p" {\n  group "g" {\n    task "t" {\n      driver = "raw_exec"\n    }\n  }\n}')[
        "TaskGroups"][0]["Tasks"][0]["Driver"] == "raw_exec"
    client.node.eligible_node(node["ID"], ineligible=True)
    assert client.node.get_node(node["ID"])["SchedulingEligibility"] == "ineligible"
    assert client.status.leader.get_leader().startswith("127.0.0.1:")


def test_node_vault(box, vault):
    folder = serai.ROOT / "tests" / "integration"
    assert (folder / "node_modules" / "node-vault").exists(), "run tools/install_deps test"
    got = box.run("node", folder / "clients.js").ok().json
    assert got == {"sealed": False, "answer": "42", "policies": ["default", "node"], "denied": 403, "dead": 403,
                   "kv": True}


def test_curl_and_jq(box, vault):
    box.sh("curl -sf -H \"X-Vault-Token: $VAULT_TOKEN\" -X POST -d '{\"data\": {\"a\": \"b\"}}' "
           "$VAULT_ADDR/v1/secret/data/curl | jq -e '.data.version == 1'").ok()
    r = box.sh("curl -s -H \"X-Vault-Token: $VAULT_TOKEN\" -X LIST $VAULT_ADDR/v1/secret/metadata | jq -r '.data.keys[]'")
    assert r.ok().out == "curl\n"
    r = box.sh("curl -s -o /dev/null -w '%{http_code}' $VAULT_ADDR/v1/secret/data/curl")
    assert r.out == "403"


def test_curl_blocking_query(box, nomad):
    """A query with the index just seen waits until something changes, then answers at once."""
    index = nomad.request("GET", "/v1/jobs").headers["x-nomad-index"]
    waiting = box.spawn("curl", "curl", "-s", "-D", box.dir / "headers", f"{nomad.addr}/v1/jobs?index={index}&wait=60s")
    nomad.put("/v1/jobs", {"Job": JOB})
    serai.wait_for(lambda: not waiting.running(), 10, "the blocking query to return")
    assert '"client"' in waiting.log
    assert int((box.dir / "headers").read_text().lower().split("x-nomad-index: ")[1].split()[0]) > int(index)
