"""The shell's TAB key: real programs, real servers, and a real bash on a terminal."""
import os
import pty
import select
import socket
import subprocess
import time

import serai

JOB = '''
job "caravan" {
  datacenters = ["dc1"]
  group "camels" {
    task "walk" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["3600"]
      }
    }
  }
}
'''


def offered(box, line, env=None, program=None):
    """What the program offers for a line whose cursor is at its end, as fish and zsh ask."""
    r = box.run(*(program or [line.split()[0]]), env={"COMP_LINE": line, **(env or {})}).ok()
    assert r.err == ""
    return r.out.split()


class Bash:
    """An interactive bash that keys are typed into."""

    def __init__(self, box, startup):
        rc = box.write("test.bashrc", startup + "PS1='$ '\n")
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--rcfile", str(rc), "-i"], stdin=slave, stdout=slave, stderr=slave,
            cwd=box.work, env={**box.env, "TERM": "dumb"}, start_new_session=True)
        os.close(slave)
        self.screen = ""

    def type(self, keys):
        os.write(self.master, keys.encode())

    def see(self, text, timeout_s=60):
        """Read until `text` is on the screen; the screen is clear behind it."""
        end = time.monotonic() + timeout_s
        while text not in self.screen:
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise serai.Failure(f"no {text!r} on the screen: {self.screen!r}")
            self.screen += os.read(self.master, 4096).decode("utf-8", "replace")
        self.screen = self.screen.split(text, 1)[1]

    def close(self):
        self.type("\x15exit\n")
        self.process.wait(30)
        os.close(self.master)


def test_vault_offers_what_its_server_has(box):
    vault = box.vault_dev()
    box.run("vault", "kv", "put", "secret/app/db", "a=b").ok()
    box.run("vault", "kv", "put", "secret/apple", "a=b").ok()
    box.run("vault", "kv", "put", "secret/not $this", "a=b").ok()
    box.run("vault", "policy", "write", "reader", box.write("p.hcl", 'path "a" { capabilities = ["read"] }')).ok()
    box.run("vault", "write", "auth/token/roles/camel", "orphan=true").ok()
    rows = [
        ("vault kv g", ["get"]),
        ("vault kv get secret/app", ["secret/app/", "secret/apple"]),
        ("vault kv get secret/app/", ["secret/app/db"]),
        ("vault kv get -mount=secret app/", ["app/db"]),
        ("vault kv list secret/", ["secret/app/"]),
        ("vault kv get secret/not", []),
        ("vault read secret/da", ["secret/data/app/", "secret/data/apple"]),
        ("vault read auth/to", ["auth/token/"]),
        ("vault read sys/policies/acl/r", ["sys/policies/acl/reader", "sys/policies/acl/root"]),
        ("vault policy read re", ["reader"]),
        ("vault token create -policy=re", ["-policy=reader"]),
        ("vault token create -role ", ["camel"]),
        ("vault secrets disable se", ["secret/"]),
        ("vault auth tune ", ["token/"]),
        ("vault policy fmt p.", ["p.hcl"]),
        ("vault kv put secret/x a=@p", ["a=@p.hcl"]),
        ("vault status -format=j", ["-format=json"]),
    ]
    for line, want in rows:
        assert offered(box, line) == want, line
    assert offered(box, "serai v") == ["vault", "version"]
    assert offered(box, "serai vault policy read re") == ["reader"]
    assert offered(box, "vault policy read re", program=["serai", "vault"]) == ["reader"]
    assert offered(box, "vault policy read re", env={"VAULT_TOKEN": "bad"}) == []
    assert offered(box, f"vault policy read -address={vault.addr} re", env={"VAULT_ADDR": "http://127.0.0.1:9"}) == ["reader"]


def test_nomad_offers_what_its_server_has(nomad, box):
    box.write("caravan.nomad.hcl", JOB)
    box.write("notes.txt", "")
    box.run("nomad", "job", "run", "-detach", "caravan.nomad.hcl").ok()

    def running():
        allocs = nomad.get("/v1/job/caravan/allocations")
        return allocs[0] if allocs and allocs[0]["ClientStatus"] == "running" else None
    alloc = serai.wait_for(running, what="the job to run")
    node = nomad.get("/v1/nodes")[0]["ID"]
    rows = [
        ("nomad job run ", ["caravan.nomad.hcl"]),
        ("nomad job stop c", ["caravan"]),
        (f"nomad alloc status {alloc['ID'][:3]}", [alloc["ID"]]),
        (f"nomad alloc logs {alloc['ID'][:8]} ", ["walk"]),
        (f"nomad alloc fs {alloc['ID']} walk/lo", ["walk/local/"]),
        (f"nomad node status {node[:4]}", [node]),
        (f"nomad eval status {alloc['EvalID'][:9]}", [alloc["EvalID"]]),
        ("nomad status cara", ["caravan"]),
        ("nomad job scale caravan ", ["camels"]),
        ("nomad job status -namespace=de", ["-namespace=default"]),
        ("nomad agent -co", ["-config"]),
    ]
    for line, want in rows:
        assert offered(box, line) == want, line
    assert offered(box, "serai nomad job stop c") == ["caravan"]


def test_a_server_that_does_not_answer_is_not_waited_for(box):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        address = f"http://127.0.0.1:{mute.getsockname()[1]}"
        for line in ("vault kv get s", "nomad job status x"):
            begin = time.monotonic()
            assert offered(box, line, env={"VAULT_ADDR": address, "NOMAD_ADDR": address}) == []
            assert time.monotonic() - begin < 30  # clients would wait a minute and a day


def test_a_real_bash_completes_words(box):
    box.vault_dev()
    box.run("vault", "kv", "put", "secret/caravan/gold", "a=b").ok()
    box.write(".bashrc", "bind 'set enable-bracketed-paste off'\nbind 'set bell-style none'\n")
    box.run("vault", "-autocomplete-install").ok()
    box.run("nomad", "-autocomplete-install").ok()
    again = box.run("vault", "-autocomplete-install").fails(1)
    assert "already installed in" in again.err
    bashrc = (box.work / ".bashrc").read_text()
    assert f"complete -C {box.bin}/vault vault\n" in bashrc
    assert f"complete -C {box.bin}/nomad nomad\n" in bashrc
    bash = Bash(box, bashrc)
    try:
        for typed, screen in [
            ("vault stat\t", "vault status "),
            ("vault kv get -form\t", "-format "),
            ("vault kv get -format=ya\t", "-format=yaml "),
            ("vault kv get secret/car\t", "secret/caravan/gold "),
            ("nomad job val\t", "nomad job validate "),
        ]:
            bash.see("$ ")
            bash.type(typed)
            bash.see(screen)
            bash.type("\x15\n")  # forget the line
    finally:
        bash.close()
    box.run("vault", "-autocomplete-uninstall").ok()
    assert "not installed in" in box.run("vault", "-autocomplete-uninstall").fails(1).err
    assert f"complete -C {box.bin}/nomad nomad\n" in (box.work / ".bashrc").read_text()
