"""Every server leaves soon and in order, whatever is under way in it; a client leaves its tasks alone
unless it was told otherwise."""
import contextlib
import http.server
import os
import signal
import socket
import threading
import time

import pytest

import serai

SIGNALS = [signal.SIGTERM, signal.SIGINT]
SOON_S = 5 if "asan" not in os.environ.get("SERAI_BIN_DIR", "") else 10  # sanitizers look for leaks at the end


class Load:
    """Connections that ask again and again, and requests that wait for what does not come. What
    happens to them at the end is their own affair."""

    def __init__(self):
        self.end = threading.Event()
        self.threads = []
        self.answers = 0
        self.waiting = []

    def again_and_again(self, server, path, n=64):
        for _ in range(n):
            self.start(self.ask, server, path)

    def start(self, what, *args):
        t = threading.Thread(target=self.quietly, args=(what, *args), daemon=True)
        t.start()
        self.threads.append(t)

    @staticmethod
    def quietly(what, *args):
        with contextlib.suppress(OSError, serai.http.client.HTTPException):
            what(*args)

    def ask(self, server, path):
        c = serai.http.client.HTTPConnection(server.addr.removeprefix("http://"), timeout=30)
        headers = {server.token_header: server.token} if server.token else {}
        while not self.end.is_set():
            c.request("GET", path, headers=headers)
            c.getresponse().read()
            self.answers += 1

    def wait_on(self, server, path, n=1):
        """Send n requests that are not answered yet, and read whatever comes, for ever."""
        for _ in range(n):
            s = socket.create_connection(server.addr.removeprefix("http://").split(":"), timeout=60)
            token = f"{server.token_header}: {server.token}\r\n" if server.token else ""
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{token}\r\n".encode())
            self.waiting.append(s)

    def close(self):
        self.end.set()
        for s in self.waiting:
            s.close()
        for t in self.threads:
            t.join(30)
            assert not t.is_alive(), "a connection was left hanging"


@pytest.fixture
def load():
    it = Load()
    yield it
    it.close()


class Hung(contextlib.AbstractContextManager):
    """A backend that takes requests and never answers."""

    def __enter__(self):
        self.asked, self.end = threading.Event(), threading.Event()
        handler = type("Handler", (http.server.BaseHTTPRequestHandler,),
                       {"do_POST": lambda h: self.hang(), "log_message": lambda *a: None})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.addr = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def hang(self):
        self.asked.set()
        self.end.wait()

    def __exit__(self, *_):
        self.end.set()
        self.server.shutdown()
        self.server.server_close()


def leaves(server, sig, code=0, patience_s=SOON_S):
    """A nomad agent that is no leave_on_* ends with 1, as scripts know it."""
    begin = time.monotonic()
    server.process.send_signal(sig)
    got = server.process.wait(serai.LEAVE_S)
    took = time.monotonic() - begin
    assert got == code, server.log[-2000:]
    assert took < patience_s, f"{took:.1f} s"


def slow_aws(vault, backend, load):
    vault.put("/v1/sys/mounts/aws", {"type": "aws"})
    vault.put("/v1/aws/config/root", {"access_key": "a", "secret_key": "b", "region": "us-east-1",
                                      "iam_endpoint": backend.addr, "sts_endpoint": backend.addr})
    vault.put("/v1/aws/roles/r", {"credential_type": "iam_user", "policy_arns": ["arn:aws:iam::aws:policy/X"]})
    load.wait_on(vault, "/v1/aws/creds/r", 3)
    assert backend.asked.wait(30)


def job(name="stay"):
    return {"Job": {
        "ID": name, "Datacenters": ["dc1"], "Type": "service",
        "TaskGroups": [{"Name": "g", "Count": 1, "Tasks": [{
            "Name": "t", "Driver": "raw_exec", "KillTimeout": 1000000000,
            "Config": {"command": "/bin/sh", "args": ["-c", "echo $$; exec sleep 3600"]},
            "Resources": {"CPU": 20, "MemoryMB": 10}}]}]}}


def run_task(nomad):
    """(alloc, the task's pid) of a job that runs."""
    nomad.put("/v1/jobs", job())
    alloc, = serai.wait_for(lambda: [a for a in nomad.get("/v1/job/stay/allocations")
                                     if a["ClientStatus"] == "running"], 60, "the job to run")
    text = lambda: nomad.request("GET", f"/v1/client/fs/logs/{alloc['ID']}?task=t&type=stdout&plain=true").text
    return alloc, int(serai.wait_for(lambda: text().strip(), 30, "the task's pid"))


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def nomad_load(load, server, alloc):
    load.again_and_again(server, "/v1/jobs")
    index = int(server.request("GET", "/v1/allocations").headers["x-nomad-index"])
    load.wait_on(server, f"/v1/allocations?index={index + 1000}&wait=5m", 20)
    load.wait_on(server, f"/v1/client/fs/logs/{alloc['ID']}?task=t&type=stdout&follow=true&plain=true", 3)
    serai.wait_for(lambda: load.answers > 64, 60, "the connections to be served")


@pytest.mark.parametrize("sig", SIGNALS)
def test_a_vault_server_leaves(box, load, sig):
    vault = box.vault_unsealed()
    with Hung() as backend:
        slow_aws(vault, backend, load)
        load.again_and_again(vault, "/v1/auth/token/lookup-self")
        serai.wait_for(lambda: load.answers > 64, 60, "the connections to be served")
        leaves(vault, sig)


@pytest.mark.parametrize("sig", SIGNALS)
@pytest.mark.parametrize("role", ["both", "server", "client"])
def test_an_agent_leaves_and_its_tasks_stay(box, load, role, sig):
    if role == "both":
        server = client = box.nomad()
    else:
        server, client = box.nomad_pair()
    alloc, pid = run_task(server)
    nomad_load(load, server, alloc)
    if role == "client":
        load.wait_on(client, f"/v1/client/fs/logs/{alloc['ID']}?task=t&type=stdout&follow=true&plain=true", 3)
    leaves(client if role == "client" else server, sig, code=1)
    assert alive(pid)


@pytest.mark.parametrize("sig", SIGNALS)
def test_serai_agent_leaves_and_its_tasks_stay(box, load, sig):
    agent = box.serai_agent()
    alloc, pid = run_task(agent)
    nomad_load(load, agent, alloc)
    vault = box.view(agent.vault_addr)
    r = vault.put("/v1/sys/init", {"secret_shares": 1, "secret_threshold": 1})
    vault.put("/v1/sys/unseal", {"key": r["keys"][0]})
    vault.token = r["root_token"]
    with Hung() as backend:
        slow_aws(vault, backend, load)
        leaves(agent, sig)
    assert alive(pid)


DRAIN = """
client {
  drain_on_shutdown {
    deadline = "1s"
    force    = true
  }
}
"""
SLOW_DRAIN = DRAIN.replace('"1s"', '"1h"').replace("force    = true", "")


@pytest.mark.parametrize("sig,option", [(signal.SIGTERM, "leave_on_terminate"), (signal.SIGINT, "leave_on_interrupt")])
@pytest.mark.parametrize("drain", [True, False])
def test_a_client_that_drains_when_it_leaves_ends_its_tasks(box, load, sig, option, drain):
    agent = box.nomad(extra=f"{option} = true\n" + (DRAIN if drain else ""))
    alloc, pid = run_task(agent)
    nomad_load(load, agent, alloc)
    leaves(agent, sig)
    assert alive(pid) != drain


def test_a_second_signal_ends_at_once(box):
    """A task that takes its time holds an agent that was told to end it first."""
    agent = box.nomad(extra="leave_on_terminate = true\n" + SLOW_DRAIN)
    slow = job()
    task = slow["Job"]["TaskGroups"][0]["Tasks"][0]
    task["KillTimeout"] = 25 * 10**9
    task["Config"]["args"] = ["-c", "trap '' INT TERM; echo up; while :; do sleep 1; done"]
    agent.put("/v1/jobs", slow)
    alloc, = serai.wait_for(lambda: [a for a in agent.get("/v1/job/stay/allocations")
                                     if a["ClientStatus"] == "running"], 60, "the job to run")
    serai.wait_for(lambda: "up" in agent.request(
        "GET", f"/v1/client/fs/logs/{alloc['ID']}?task=t&type=stdout&plain=true").text, 30, "the task to have its trap")
    agent.process.send_signal(signal.SIGTERM)
    with pytest.raises(serai.subprocess.TimeoutExpired):
        agent.process.wait(1)
    begin = time.monotonic()
    agent.process.send_signal(signal.SIGTERM)
    agent.process.wait(serai.LEAVE_S)
    assert time.monotonic() - begin < 2
    assert agent.process.returncode != 0
