"""Marked secrets are sent through everything, and then looked for where they must not be: logs at
the finest level, files below the data directories, command lines and environments, what lists and
self-descriptions answer, and memory that a core dump would hold."""
import base64
import ctypes
import json
import os
import pathlib
import resource
import secrets
import signal
import subprocess

import pytest

import serai

POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
OUR_NAMES = {"serai", "vault", "nomad", "serai-shim"}


# -- what is looked for ---------------------------------------------------------------------------

class Canaries:
    """Secrets by name, each in all the forms in which it might lie about."""

    def __init__(self):
        self.forms = {}

    def add(self, name, value):
        raw = value if isinstance(value, bytes) else value.encode()
        assert len(raw) >= 16, f"{name} is too short to be found without doubt"
        found = {raw, raw.hex().encode(), raw.hex().upper().encode(), *base64_within(raw)}
        try:
            plain = raw.decode()
            found.add(json.dumps(plain)[1:-1].encode())
            decoded = bytes.fromhex(plain)
            found |= {decoded, *base64_within(decoded)}
        except (UnicodeDecodeError, ValueError):
            pass
        self.forms[name] = found
        return value

    def found_in(self, data):
        return sorted(name for name, forms in self.forms.items() if any(f in data for f in forms))


def base64_within(raw):
    """What is certain of the base64 of any text that has `raw` in it, at each of its three offsets."""
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + raw)
        yield text[4 * (shift > 0):len(text) - 4]


def pieces(path):
    """The parts of a file that were ever written: the store's files are large and mostly holes."""
    with open(path, "rb") as f:
        size = os.fstat(f.fileno()).st_size
        at = 0
        while at < size:
            try:
                at = os.lseek(f.fileno(), at, os.SEEK_DATA)
            except OSError:
                return
            end = os.lseek(f.fileno(), at, os.SEEK_HOLE)
            yield os.pread(f.fileno(), end - at, at)
            at = end


def in_files(canaries, *folders, but=()):
    found = {}
    for folder in folders:
        for path in sorted(p for p in pathlib.Path(folder).rglob("*") if p.is_file() and not p.is_symlink()):
            if path in but:
                continue
            names = sorted({n for data in pieces(path) for n in canaries.found_in(data)})
            if names:
                found[str(path)] = names
    return found


def our_processes(box):
    """Pids of our own programs in this box; tasks are none of them."""
    mine = set()
    for pid in serai.processes_below(box.dir):
        try:
            if pathlib.Path(os.readlink(f"/proc/{pid}/exe")).name in OUR_NAMES:
                mine.add(pid)
        except OSError:
            pass
    return mine


def in_processes(canaries, box):
    """What any command line shows, and the environments of our own programs."""
    found = {}
    for pid in serai.processes_below(box.dir):
        data = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        if canaries.found_in(data):
            found[f"cmdline of {serai.describe(pid)}"] = canaries.found_in(data)
    for pid in our_processes(box):
        data = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        if canaries.found_in(data):
            found[f"environment of {serai.describe(pid)}"] = canaries.found_in(data)
    return found


def in_answers(canaries, server, paths):
    found, seen = {}, 0
    for method, path in paths:
        r = server.request(method, path)
        seen += r.status == 200
        if canaries.found_in(r.text.encode() + str(r.headers).encode()):
            found[f"{method} {path}"] = canaries.found_in(r.text.encode() + str(r.headers).encode())
    assert seen >= len(paths) / 2, "most of these paths exist"
    return found


def dumpable_memory(pid):
    """The writable mappings that a core dump would hold: those without the mark DONTDUMP."""
    here = None
    with open(f"/proc/{pid}/smaps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            word = line.split()
            if "-" in word[0] and len(word) >= 5 and ":" not in word[0]:
                here = (*[int(x, 16) for x in word[0].split("-")], word[1])
            elif word[0] == "VmFlags:" and here and "w" in here[2] and "dd" not in word[1:]:
                try:
                    mem.seek(here[0])
                    yield mem.read(here[1] - here[0])
                except (OSError, ValueError, OverflowError):
                    pass


# -- what is sent through --------------------------------------------------------------------------

def job(vault_addr, lines):
    return {"Job": {
        "ID": "canary", "Datacenters": ["dc1"], "Type": "service",
        "TaskGroups": [{"Name": "g", "Count": 1, "Tasks": [{
            "Name": "t", "Driver": "raw_exec", "Vault": {"Policies": ["reader"]},
            "Env": {"VAULT_ADDR": vault_addr},
            "Config": {"command": "/bin/sh", "args": ["-c", lines]},
            "Resources": {"CPU": 20, "MemoryMB": 10}}]}]}}


READ = """
got=$(vault kv get -field=value secret/canary) || exit 1
expr length "$got"
exec sleep 3600
"""


def fill_vault(canaries, vault, moto):
    """Secrets of every kind in a vault that is open."""
    value = canaries.add("kv value", "canary-" + secrets.token_urlsafe(24))
    vault.put("/v1/sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    vault.put("/v1/secret/data/canary", {"data": {"value": value}})
    vault.request("GET", "/v1/secret/data/canary")
    vault.put("/v1/sys/policies/acl/reader", {"policy": 'path "secret/data/canary" { capabilities = ["read"] }'})
    made = vault.put("/v1/auth/token/create", {"policies": ["reader"]})["auth"]
    canaries.add("a token", made["client_token"])
    vault.put("/v1/auth/token/lookup", {"token": made["client_token"]})
    vault.request("PUT", "/v1/auth/token/create", {"num_uses": "-3"}, token=made["client_token"])
    r = vault.request("PUT", "/v1/sys/wrapping/wrap",
                      {"inner": canaries.add("wrapped value", "wrapped-" + secrets.token_urlsafe(24))},
                      headers={"X-Vault-Wrap-TTL": "300"})
    canaries.add("wrapping token", r.json["wrap_info"]["token"])
    # mistakes: what was sent must not come back through a log either
    vault.request("PUT", "/v1/auth/token/lookup", {"token": canaries.add("wrong token", "hvs." + secrets.token_urlsafe(24))})
    vault.request("PUT", "/v1/secret/data/canary", {"data": canaries.add("misplaced value", secrets.token_urlsafe(24))})
    vault.request("PUT", "/v1/sys/policies/acl/x",
                  {"policy": "path " + canaries.add("text in a broken policy", secrets.token_urlsafe(24))})
    if moto:
        key = canaries.add("aws root key", "AKcanary" + secrets.token_urlsafe(24))
        vault.put("/v1/sys/mounts/aws", {"type": "aws"})
        vault.put("/v1/aws/config/root", {"access_key": "testing", "secret_key": key, "region": "us-east-1",
                                          "iam_endpoint": moto.addr, "sts_endpoint": moto.addr})
        vault.put("/v1/aws/roles/r", {"credential_type": "iam_user", "policy_document": POLICY})
        canaries.add("aws user's key", vault.get("/v1/aws/creds/r")["data"]["secret_key"])


def initialise(canaries, vault):
    r = vault.put("/v1/sys/init", {"secret_shares": 3, "secret_threshold": 2})
    for n, share in enumerate(r["keys"]):
        canaries.add(f"share {n}", share)
    for share in r["keys"][:2]:
        vault.put("/v1/sys/unseal", {"key": share})
    vault.token = canaries.add("root token", r["root_token"])
    return r["keys"]


def run_job(canaries, nomad, client_data, vault_addr):
    """Start the job; its allocation and the token's files, once the task has read the secret."""
    nomad.put("/v1/jobs", job(vault_addr, READ))
    alloc, = serai.wait_for(lambda: [a for a in nomad.get("/v1/job/canary/allocations")
                                     if a["ClientStatus"] == "running"], 60, "the job to run")
    text = lambda: nomad.request("GET", f"/v1/client/fs/logs/{alloc['ID']}?task=t&type=stdout&plain=true").text
    serai.wait_for(lambda: text().strip().isdigit(), 60, "the task to have read its secret")
    task = client_data / "alloc" / alloc["ID"] / "t"
    files = {task / "secrets/vault_token", task / "private/vault_token"}
    for file in files:
        canaries.add("task's token", file.read_text())
        assert canaries.found_in(file.read_bytes()) == ["task's token"], "what is looked for can be found"
        if os.geteuid() == 0:
            assert subprocess.check_output(["stat", "-f", "-c", "%T", file]).strip() == b"tmpfs", "not on a disk"
    return alloc, files


VAULT_PATHS = [
    ("GET", "/v1/sys/health"), ("GET", "/v1/sys/seal-status"), ("GET", "/v1/sys/mounts"), ("GET", "/v1/sys/auth"),
    ("GET", "/v1/sys/internal/ui/mounts"), ("GET", "/v1/sys/key-status"), ("GET", "/v1/sys/leader"),
    ("GET", "/v1/sys/policies/acl/reader"), ("LIST", "/v1/sys/policies/acl"), ("LIST", "/v1/auth/token/accessors"),
    ("LIST", "/v1/sys/leases/lookup/aws/creds/r"), ("LIST", "/v1/secret/metadata"), ("GET", "/v1/aws/config/root"),
    ("LIST", "/v1/aws/roles"), ("GET", "/v1/aws/roles/r"), ("GET", "/v1/secret/metadata/canary"),
    ("GET", "/v1/sys/metrics"), ("GET", "/v1/sys/config/state/sanitized"), ("GET", "/v1/sys/pprof/goroutine"),
    ("LIST", "/v1/cubbyhole"), ("GET", "/v1/no/such/path"),
]


def nomad_paths(alloc):
    paths = ["jobs", "allocations", "evaluations", "nodes", "deployments", "job/canary", "job/canary/allocations",
             "job/canary/evaluations", "job/canary/versions", "job/canary/summary", f"allocation/{alloc['ID']}",
             f"evaluation/{alloc['EvalID']}", f"node/{alloc['NodeID']}", f"node/{alloc['NodeID']}/allocations",
             "agent/self", "agent/members", "agent/health", "agent/servers", "metrics", "status/leader", "status/peers",
             "operator/scheduler/configuration", "operator/raft/configuration", f"client/stats?node_id={alloc['NodeID']}",
             f"client/allocation/{alloc['ID']}/stats", f"client/fs/ls/{alloc['ID']}?path=/t/",
             f"client/fs/ls/{alloc['ID']}?path=/t/secrets", f"client/fs/cat/{alloc['ID']}?path=/t/secrets/vault_token",
             f"client/fs/logs/{alloc['ID']}?task=t&type=stdout&plain=true", "agent/pprof/goroutine", "vars", "search"]
    return [("GET", f"/v1/{p}") for p in paths]


def in_logs(canaries, box):
    return {s.name: canaries.found_in(s.log_path.read_bytes()) for s in box.servers
            if s.name != "moto" and canaries.found_in(s.log_path.read_bytes())}


# -- tests -----------------------------------------------------------------------------------------

def test_secrets_stay_where_they_belong(box):
    canaries = Canaries()
    moto = box.moto()
    vault = box.vault(extra='log_level = "trace"')
    initialise(canaries, vault)
    fill_vault(canaries, vault, moto)
    server, client = box.nomad_pair(vault=vault, extra='log_level = "TRACE"')
    alloc, token_files = run_job(canaries, server, client.data, vault.addr)

    assert "Log Level: trace" in vault.log and "Log Level: TRACE" in server.log, "logs are at their finest"
    assert in_processes(canaries, box) == {}
    assert in_answers(canaries, vault, VAULT_PATHS) == {}
    assert in_answers(canaries, server, nomad_paths(alloc)) == {}
    assert in_answers(canaries, client, [("GET", "/v1/agent/self"), ("GET", "/v1/metrics")]) == {}
    folders = [box.dir / "vault-data", server.data, client.data]
    assert in_files(canaries, *folders, but=token_files) == {}

    # the same once everything has ended, in whatever order, and has written its last
    for s in (client, server):
        s.stop(signal.SIGTERM)
    vault.put("/v1/sys/seal")
    vault.stop(signal.SIGTERM)
    assert in_files(canaries, *folders, but=token_files) == {}
    assert in_logs(canaries, box) == {}


def test_secrets_stay_where_they_belong_in_one_process(box):
    canaries = Canaries()
    moto = box.moto()
    agent = box.serai_agent(extra='log_level = "TRACE"')
    vault = box.view(agent.vault_addr)
    initialise(canaries, vault)
    fill_vault(canaries, vault, moto)
    alloc, token_files = run_job(canaries, agent, agent.data, vault.addr)
    assert in_processes(canaries, box) == {}
    assert in_answers(canaries, vault, VAULT_PATHS) == {}
    assert in_answers(canaries, agent, nomad_paths(alloc)) == {}
    assert in_files(canaries, agent.data, but=token_files) == {}
    agent.stop(signal.SIGTERM)
    assert in_files(canaries, agent.data, but=token_files) == {}
    assert in_logs(canaries, box) == {}


def unlimited_cores():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_a_server_that_dies_leaves_no_core(box):
    if pathlib.Path("/proc/sys/kernel/core_pattern").read_text().startswith("|"):
        pytest.skip("this machine's kernel hands cores to a program")
    unlimited = resource.getrlimit(resource.RLIMIT_CORE)
    unlimited_cores()
    try:
        vault = box.vault_unsealed()
        agent = box.nomad()
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, unlimited)
    for s in (vault, agent):
        status = pathlib.Path(f"/proc/{s.pid}/limits").read_text()
        assert [line.split()[4:6] for line in status.splitlines() if line.startswith("Max core")] == [["0", "0"]]
        os.kill(s.pid, signal.SIGABRT)
        s.process.wait(20)
        assert s.process.returncode == -signal.SIGABRT
    assert [p for p in box.dir.rglob("core*") if p.is_file()] == []


def test_keys_lie_in_no_memory_that_a_core_would_hold(box):
    """Even if an administrator made cores possible again: shares, and tokens that were only shown."""
    canaries = Canaries()
    vault = box.vault(extra='log_level = "trace"')
    initialise(canaries, vault)
    fill_vault(canaries, vault, None)
    vault.request("GET", "/v1/sys/seal-status")
    memory = list(dumpable_memory(vault.pid))
    assert sum(map(len, memory)) > 1 << 20, "the memory can be read"
    found = {n for data in memory for n in canaries.found_in(data)}
    # What is stored stays decoded in the cache of records for a while, and a policy is no secret;
    # keys and tokens never stay.
    assert found - {"kv value", "text in a broken policy"} == set()
    assert pathlib.Path(f"/proc/{vault.pid}/coredump_filter").read_text().strip() == "00000000"
