"""A task's token, whatever happens to the servers around it."""
import signal

import pytest

import serai

TASKS = 20


def job(name, count, policies=("default",)):
    return {"Job": {
        "ID": name, "Datacenters": ["dc1"], "Type": "service",
        "TaskGroups": [{"Name": "g", "Count": count, "Tasks": [{
            "Name": "t", "Driver": "raw_exec", "Vault": {"Policies": list(policies)},
            "Config": {"command": "/bin/sh", "args": ["-c", "exec sleep 3600"]},
            "Resources": {"CPU": 20, "MemoryMB": 10}}]}]}}


def running(nomad, name, count):
    """The job's running allocations once there are `count` of them."""
    def found():
        allocs = [a for a in nomad.get(f"/v1/job/{name}/allocations") if a["ClientStatus"] == "running"]
        return allocs if len(allocs) == count else None
    return serai.wait_for(found, timeout_s=90, what=f"{count} allocations of {name} to run")


def token_file(client, alloc):
    return client.data / "alloc" / alloc["ID"] / "t" / "secrets" / "vault_token"


def task_starts(nomad, allocs):
    """When each task was started; a restart would change it."""
    return {a["ID"]: nomad.get(f"/v1/allocation/{a['ID']}")["TaskStates"]["t"]["StartedAt"] for a in allocs}


def test_ten_restarts_of_the_client_restart_no_task(box):
    vault = box.vault_dev()
    server, client = box.nomad_pair(vault=vault)
    server.put("/v1/jobs", job("many", TASKS))
    allocs = running(server, "many", TASKS)
    before = {a["ID"]: token_file(client, a).read_text() for a in allocs}
    changed = {a["ID"]: token_file(client, a).stat().st_mtime_ns for a in allocs}
    started = task_starts(server, allocs)
    accessors = set(vault.request("LIST", "/v1/auth/token/accessors", token=vault.token).json["data"]["keys"])
    for number in range(10):
        client.restart(signal.SIGKILL if number % 2 else signal.SIGTERM)
        server.wait(lambda: server.get("/v1/nodes")[0]["Status"] == "ready", "the node to be ready")
        assert {a["ID"]: token_file(client, a).read_text() for a in allocs} == before, f"restart {number}"
    assert {a["ID"]: token_file(client, a).stat().st_mtime_ns for a in allocs} == changed
    assert task_starts(server, running(server, "many", TASKS)) == started
    after = set(vault.request("LIST", "/v1/auth/token/accessors", token=vault.token).json["data"]["keys"])
    assert after == accessors
    server.request("DELETE", "/v1/job/many")
    for token in before.values():
        serai.wait_for(lambda: vault.request("GET", "/v1/auth/token/lookup-self", token=token).status == 403,
                       what="the tasks' tokens to be revoked")


def test_a_sealed_vault_stops_nothing(box):
    vault = box.vault_unsealed()
    nomad = box.nomad(vault=vault)
    nomad.put("/v1/jobs", job("early", 1))
    alloc, = running(nomad, "early", 1)
    token = token_file(nomad, alloc).read_text()
    started = task_starts(nomad, [alloc])

    vault.restart()
    vault.wait(lambda: vault.request("GET", "/v1/sys/seal-status").json["sealed"], "the vault to be back, sealed")
    nomad.restart()
    box.wait_nomad(nomad, nodes=True)
    # A job that comes meanwhile waits; the one that runs is left alone.
    nomad.request("PUT", "/v1/jobs", job("late", 1))
    assert task_starts(nomad, running(nomad, "early", 1)) == started
    assert token_file(nomad, alloc).read_text() == token

    vault.put("/v1/sys/unseal", {"key": vault.share})
    serai.wait_for(lambda: nomad.request("PUT", "/v1/jobs", job("late", 1)).status == 200,
                   what="the server to find the vault open", timeout_s=60)
    running(nomad, "late", 1)
    assert task_starts(nomad, running(nomad, "early", 1)) == started
    nomad.request("DELETE", "/v1/job/early")
    serai.wait_for(lambda: vault.request("GET", "/v1/auth/token/lookup-self", token=token).status == 403,
                   what="the stopped task's token to be revoked", timeout_s=60)


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGKILL])
def test_tokens_of_a_stopped_job_outlive_no_outage(box, sig):
    vault = box.vault_unsealed()
    nomad = box.nomad(vault=vault)
    nomad.put("/v1/jobs", job("gone", 1))
    alloc, = running(nomad, "gone", 1)
    token = token_file(nomad, alloc).read_text()
    vault.put("/v1/sys/seal", token=vault.token)
    nomad.request("DELETE", "/v1/job/gone")
    serai.wait_for(lambda: nomad.get(f"/v1/allocation/{alloc['ID']}")["ClientStatus"] == "complete",
                   what="the task to end without its vault")
    nomad.restart(sig)
    box.wait_nomad(nomad, nodes=True)
    vault.put("/v1/sys/unseal", {"key": vault.share})
    serai.wait_for(lambda: vault.request("GET", "/v1/auth/token/lookup-self", token=token).status == 403,
                   what="the token to be revoked after the outage", timeout_s=60)
