"""Snapshots: all of a server's state in a file, and back."""
import base64
import hashlib

import pytest
import serai

JOB = '''
job "walk" {
  group "g" {
    task "t" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["3600"]
      }
    }
  }
}
'''


def namespaces(server):
    return sorted(n["Name"] for n in server.get("/v1/namespaces"))


def test_a_restored_server_has_the_state_of_the_snapshot_and_its_tasks_go_on(box):
    n = box.nomad()
    box.write("walk.hcl", JOB)
    box.run("nomad", "job", "run", "walk.hcl").ok()
    alloc = n.get("/v1/allocations")[0]["ID"]
    pids = serai.processes_below(box.work)
    assert box.run("nomad", "operator", "snapshot", "save", "s.snap").ok().out == \
        "State file written to s.snap\n"
    assert (box.work / "s.snap").stat().st_mode & 0o777 == 0o600
    box.run("nomad", "namespace", "apply", "later").ok()
    assert namespaces(n) == ["default", "later"]
    index = int(n.request("GET", "/v1/namespaces").headers["x-nomad-index"])

    assert box.run("nomad", "operator", "snapshot", "restore", "s.snap").ok().out == "Snapshot Restored\n"
    assert namespaces(n) == ["default"]
    assert int(n.request("GET", "/v1/namespaces").headers["x-nomad-index"]) > index
    n.wait(lambda: n.get("/v1/nodes")[0]["Status"] == "ready", "the node is back")
    n.wait(lambda: n.get(f"/v1/allocation/{alloc}")["ClientStatus"] == "running", "its alloc runs")
    assert serai.processes_below(box.work) == pids
    box.run("nomad", "namespace", "apply", "after").ok()
    n.restart()
    box.wait_nomad(n)
    assert namespaces(n) == ["after", "default"]


def test_a_snapshot_is_told_with_its_digest_and_shown_without_a_server(box, nomad):
    r = nomad.request("GET", "/v1/operator/snapshot")
    want = "sha-256=" + base64.b64encode(hashlib.sha256(r.data).digest()).decode()
    assert r.status == 200 and r.headers["digest"] == want
    (box.work / "s.snap").write_bytes(r.data)
    shown = box.run("nomad", "operator", "snapshot", "inspect", "s.snap").ok().out
    assert "Version = 1\n" in shown and "Total" in shown
    assert any(line.split()[:2] == ["node", "1"] for line in shown.splitlines()), shown


@pytest.mark.parametrize("damage, error", [
    (lambda b: b[:-3], "ends early"),
    (lambda b: b[:200] + bytes([b[200] ^ 1]) + b[201:], "not a whole snapshot"),
    (lambda b: b"", "ends early"),
    (lambda b: b"x" * 4096, "does not begin like one"),
])
def test_a_damaged_snapshot_is_refused_by_the_command_and_by_the_server(box, nomad, damage, error):
    bad = damage(nomad.request("GET", "/v1/operator/snapshot").data)
    (box.work / "s.snap").write_bytes(bad)
    for command in ("inspect", "restore"):
        assert error in box.run("nomad", "operator", "snapshot", command, "s.snap").fails(1).err
    r = nomad.request("PUT", "/v1/operator/snapshot", bad)
    assert r.status == 400 and error in r.text
    assert namespaces(nomad) == ["default"]


def test_a_server_in_memory_gives_a_snapshot_and_takes_none(box):
    path, port, _, _ = box.nomad_config("dev", "both")
    n = box.spawn("dev", "nomad", "agent", "-dev", "-config", path)
    n.addr = f"http://127.0.0.1:{port}"
    box.wait_nomad(n)
    box.env.update(NOMAD_ADDR=n.addr)
    box.run("nomad", "operator", "snapshot", "save", "s.snap").ok()
    assert "in memory only" in box.run("nomad", "operator", "snapshot", "restore", "s.snap").fails(1).err


def test_a_snapshot_put_beside_the_store_by_hand_is_taken_at_the_start(box, nomad):
    box.run("nomad", "operator", "snapshot", "save", "s.snap").ok()
    box.run("nomad", "namespace", "apply", "later").ok()
    nomad.stop()
    store = nomad.data / "server"
    (store / "restore.snap").write_bytes((box.work / "s.snap").read_bytes())
    nomad.launch()
    box.wait_nomad(nomad)
    assert namespaces(nomad) == ["default"]
    names = sorted(p.name for p in store.iterdir())
    assert "data.mdb.before-restore" in names and "restore.snap" not in names and "restoring" not in names


def test_both_halves_are_in_one_snapshot_and_the_vault_is_sealed_after_it(box):
    n = box.serai_agent()
    keys = box.run("vault", "operator", "init", "-key-shares=1", "-key-threshold=1", "-format=json").ok().json
    box.env.update(VAULT_TOKEN=keys["root_token"])
    box.run("vault", "operator", "unseal", keys["unseal_keys_b64"][0]).ok()
    box.run("vault", "secrets", "enable", "-path=kv", "kv").ok()
    box.run("vault", "kv", "put", "kv/a", "secret=sesame-open").ok()
    box.run("nomad", "operator", "snapshot", "save", "s.snap").ok()
    assert b"sesame-open" not in (box.work / "s.snap").read_bytes()
    box.run("vault", "kv", "put", "kv/a", "secret=other").ok()

    box.run("nomad", "operator", "snapshot", "restore", "s.snap").ok()
    assert box.run("vault", "status").code == 2  # sealed
    box.run("vault", "operator", "unseal", keys["unseal_keys_b64"][0]).ok()
    assert box.run("vault", "kv", "get", "-field=secret", "kv/a").ok().out.strip() == "sesame-open"
    assert n.running()
