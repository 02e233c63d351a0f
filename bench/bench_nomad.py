#!/usr/bin/env python3
"""Jobs from register to running and from stop to complete, and what an agent takes when it idles."""
import http.client
import json
import os
import pathlib
import statistics
import subprocess
import time

from lib import Box, figure, free_ports, program, rss_kb, settled_rss_kb

JOBS = 100       # one after the other
STARTS = 10
TASKS = 50       # at once
IDLE = 2000
PARKED = 10000
AGENT = ["nomad", "agent", "-dev", "-config"]


def job(name, count=1):
    """A service whose task obeys its signal."""
    task = {"Name": "t", "Driver": "raw_exec", "Config": {"command": "/bin/sleep", "args": ["3600"]},
            "Resources": {"CPU": 1, "MemoryMB": 10}}
    group = {"Name": "g", "Count": count, "Tasks": [task]}
    return {"Job": {"ID": name, "Name": name, "Type": "service", "Datacenters": ["*"], "TaskGroups": [group]}}


class Api:
    """One keep-alive connection, as a client library has it."""

    def __init__(self, addr):
        self.connection = http.client.HTTPConnection(addr.removeprefix("http://"), timeout=70)

    def call(self, method, path, body=None):
        self.connection.request(method, path, json.dumps(body) if body else None)
        r = self.connection.getresponse()
        text = r.read()
        if r.status != 200:
            raise SystemExit(f"{method} {path}: {r.status} {text}")
        return json.loads(text), int(r.getheader("X-Nomad-Index") or 0)

    def follow(self, name, status, count=1):
        """With blocking queries, until so many allocations have the status."""
        index = 0
        while True:
            allocs, index = self.call("GET", f"/v1/job/{name}/allocations?index={index}&wait=60s")
            if len(allocs) == count and all(a["ClientStatus"] == status for a in allocs):
                return

    def run(self, name, count=1):
        begin = time.perf_counter()
        self.call("PUT", "/v1/jobs", job(name, count))
        self.follow(name, "running", count)
        return (time.perf_counter() - begin) * 1000

    def stop(self, name, count=1):
        begin = time.perf_counter()
        self.call("DELETE", f"/v1/job/{name}")
        self.follow(name, "complete", count)
        return (time.perf_counter() - begin) * 1000


def p99(values):
    return sorted(values)[len(values) * 99 // 100]


def both(run, stop, where, targets=("<= 30", "<= 30")):
    for what, values, target in (("register to running", run, targets[0]), ("stop to complete", stop, targets[1])):
        figure(f"{what}, {where}", statistics.median(values), "ms", target,
               f"median of {len(values)}, one after the other; p99 {p99(values):.0f} ms")


def latency(box):
    """In turn on one agent and on two, so that both meet the same machine."""
    one = Api(box.nomad(name="one").addr)
    server, client = box.nomad_pair()
    two = Api(server.addr)
    figures = {one: ([], []), two: ([], [])}
    for i in range(JOBS):
        for api, (run, stop) in figures.items():
            run.append(api.run(f"j{i}"))
            stop.append(api.stop(f"j{i}"))
    both(*figures[one], "one agent")
    both(*figures[two], "server and client apart", ("", ""))
    client.stop()
    server.stop()
    return one


def at_once(one):
    figure(f"{TASKS} tasks register to running", one.run("many", TASKS), "ms", "", "one job, one node, all running")
    figure(f"{TASKS} tasks stop to complete", one.stop("many", TASKS), "ms")


def dev(box, name):
    """An agent -dev whose node is ready, and how long that took."""
    http_port, rpc, serf = free_ports(3)
    config = box.write(f"{name}.hcl", f"ports {{\n  http = {http_port}\n  rpc = {rpc}\n  serf = {serf}\n}}\n")
    begin = time.perf_counter()
    s = box.spawn(name, *AGENT, config)
    s.addr, s.port = f"http://127.0.0.1:{http_port}", http_port
    while True:
        try:
            nodes, _ = Api(s.addr).call("GET", "/v1/nodes")
            if nodes and nodes[0]["Status"] == "ready":
                break
        except OSError:
            pass
        time.sleep(0.001)
    return s, (time.perf_counter() - begin) * 1000


def readiness(box):
    times = []
    for i in range(STARTS):
        s, ms = dev(box, f"dev{i}")
        times.append(ms)
        s.stop()
    figure("nomad agent -dev until its node is ready", statistics.median(times), "ms", "<= 100",
           f"median of {STARTS} starts; longest {max(times):.0f} ms")


def supervisors(agent):
    """RSS of an agent's children."""
    lists = pathlib.Path(f"/proc/{agent.pid}/task").glob("*/children")
    return [rss_kb(pid) for one in lists for pid in one.read_text().split()]


def idle(box):
    s, _ = dev(box, "idle")
    figure("nomad agent -dev idle, server and client", settled_rss_kb(s.pid) / 1024, "MB", "<= 15", "RSS")
    api = Api(s.addr)
    api.run("warm")
    api.stop("warm")
    before = settled_rss_kb(s.pid)
    api.run("still", TASKS)
    kept = settled_rss_kb(s.pid) - before
    helpers = supervisors(s)
    figure("an idle task's supervisor", statistics.mean(helpers) / 1024, "MB", "<= 1",
           f"RSS, mean of {len(helpers)}; the task itself aside")
    figure("what the agent keeps for an idle task", kept / TASKS, "KB", "", f"growth of its RSS with {TASKS} tasks of one job")
    api.stop("still", TASKS)
    s.stop()
    both_halves = box.serai_agent()
    figure("serai agent idle, both halves", settled_rss_kb(both_halves.pid) / 1024, "MB", "<= 25", "RSS")
    both_halves.stop()


def cpu_ms(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def crowd(s, n, path, how, request=None):
    """Memory per connection in KB, the ms until the last reply, and the agent's CPU time in ms meanwhile."""
    before = settled_rss_kb(s.pid)
    argv = [program("crowd"), str(s.port), str(n), path, how]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as p:
        if p.stdout.readline() != "ready\n":
            raise SystemExit("crowd failed")
        each = (settled_rss_kb(s.pid) - before) / n
        begin = cpu_ms(s.pid)
        said, _ = p.communicate(request)
        if p.returncode != 0:
            raise SystemExit("crowd failed")
    return each, float(said) if said else None, cpu_ms(s.pid) - begin


def connections(box):
    """On an agent that has nothing else to do: what else grows would be counted here."""
    s, _ = dev(box, "crowded")
    each, *_ = crowd(s, IDLE, "/v1/status/leader", "answered")
    figure("an idle connection", each, "KB", "<= 8", f"RSS, {IDLE:,} keep-alive connections that have asked once")
    api = Api(s.addr)
    _, index = api.call("GET", "/v1/jobs")
    body = json.dumps(job("wake", 0))
    request = f"PUT /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    each, ms, cpu = crowd(s, PARKED, f"/v1/jobs?index={index}&wait=5m", "held", request)
    figure(f"{PARKED:,} parked queries, each", each, "KB", "<= 8", "RSS, connection included; GET /v1/jobs?index=")
    figure(f"{PARKED:,} parked queries released", ms, "ms", "<= 200", f"one register, until the last has its reply; {cpu:.0f} ms of CPU time in the agent")


with Box() as box:
    one = latency(box)
    at_once(one)
    readiness(box)
    idle(box)
    connections(box)
