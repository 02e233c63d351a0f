"""/v1/event/stream: what changed, as it changes; several readers, resuming, and one that does not read."""
import json
import socket
import threading

import pytest

import serai


@pytest.fixture(scope="module")
def agent():
    with serai.Box() as box:
        yield box.nomad(role="server")


class Reader(threading.Thread):
    """Collects the lines of a stream until it is closed."""

    def __init__(self, agent, query=""):
        super().__init__(daemon=True)
        host, port = agent.addr.split("//")[1].split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.socket.sendall(f"GET /v1/event/stream?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.lines, self.closed = [], False
        while self.file.readline().strip():
            pass
        if self.status == 200:
            self.start()

    def run(self):
        text = b""
        try:
            while size := int(self.file.readline(), 16):
                text += self.file.read(size + 2)[:-2]
                *whole, text = text.split(b"\n")
                self.lines += [json.loads(line) for line in whole]
        except (OSError, ValueError):
            pass
        self.closed = True

    def events(self):
        return [e for line in list(self.lines) for e in line.get("Events", [])]

    def wait_for(self, condition, what):
        return serai.wait_for(lambda: [e for e in self.events() if condition(e)], what=what)

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)


def register(agent, name, meta=None):
    job = {"ID": name, "Name": name, "Type": "service", "Datacenters": ["dc1"], "Meta": meta,
           "TaskGroups": [{"Name": "g", "Count": 0, "Tasks": [
               {"Name": "t", "Driver": "raw_exec", "Config": {"command": "/bin/true"}}]}]}
    return agent.put("/v1/jobs", {"Job": job})["JobModifyIndex"]


def test_readers_see_the_same_changes_in_order(agent):
    readers = [Reader(agent) for _ in range(3)]
    assert all(r.lines or serai.wait_for(lambda r=r: r.lines) for r in readers)
    assert readers[0].lines[0] == {}, "a heartbeat comes first"
    index = register(agent, "seen")
    for r in readers:
        job, = r.wait_for(lambda e: e["Topic"] == "Job" and e["Index"] == index, "the job's event")
        assert job["Type"] == "JobRegistered" and job["Key"] == "seen" and job["Namespace"] == "default"
        assert job["Payload"]["Job"]["ID"] == "seen" and job["Payload"]["Job"]["ModifyIndex"] == index
        evaluation = r.wait_for(lambda e: e["Topic"] == "Evaluation" and e["Payload"]["Evaluation"]["Status"]
                                == "complete" and e["FilterKeys"][0] == "seen", "the evaluation's end")[0]
        assert evaluation["Type"] == "EvaluationUpdated"
        indexes = [line["Index"] for line in r.lines if line]
        assert indexes == sorted(indexes)
    assert agent.request("DELETE", "/v1/job/seen?purge=true").status == 200
    for r in readers:
        gone = r.wait_for(lambda e: e["Topic"] == "Job" and e["Type"] == "JobDeregistered", "its end")[-1]
        assert gone["Key"] == "seen" and gone["Payload"]["Job"]["ID"] == "seen"
        r.close()


@pytest.mark.parametrize("query,want", [
    ("topic=Job:wanted", {("Job", "wanted")}),
    ("topic=Job:wanted&topic=Job:other", {("Job", "wanted"), ("Job", "other")}),
    ("topic=Job", {("Job", "wanted"), ("Job", "other")}),
    ("topic=Evaluation:wanted", {("Evaluation", "wanted")}),
    ("topic=*:wanted", {("Job", "wanted"), ("Evaluation", "wanted")}),
    ("topic=Job&namespace=nowhere", set()),
    ("topic=Job&namespace=*", {("Job", "wanted"), ("Job", "other")}),
])
def test_a_reader_sees_what_it_asked_for(agent, query, want):
    index = register(agent, "wanted", {"try": query})
    register(agent, "other", {"try": query})
    mark = register(agent, "mark", {"try": query})
    every = Reader(agent, f"topic=*&index={index}")
    every.wait_for(lambda e: e["Topic"] == "Job" and e["Index"] == mark, "the mark")
    reader = Reader(agent, f"{query}&index={index}")

    def seen():
        return {(e["Topic"], e["Key"] if e["Topic"] == "Job" else e["FilterKeys"][0]) for e in reader.events()
                if e["Key"] != "mark" and e["FilterKeys"] != ["mark", ""]}
    serai.wait_for(lambda: reader.lines and seen() >= want, what=f"{want}")
    assert seen() == want
    every.close()
    reader.close()


def test_a_reader_goes_on_where_it_was(agent):
    first, second = register(agent, "goes-on", {"n": "1"}), register(agent, "goes-on", {"n": "2"})
    reader = Reader(agent, f"topic=Job:goes-on&index={second}")
    reader.wait_for(lambda e: e["Index"] == second, "the second change")
    assert not [e for e in reader.events() if e["Index"] <= first]
    reader.close()


@pytest.mark.parametrize("query,text", [
    ("topic=Job:a:b", "Invalid topic query: Invalid key value pair for topic, topic: Job:a:b"),
    ("topic=", "Invalid topic query"),
    ("index=x", "Unable to parse index"),
])
def test_a_wrong_question_is_told(agent, query, text):
    reply = agent.request("GET", f"/v1/event/stream?{query}")
    assert reply.status == 400 and text in reply.text


def test_who_does_not_read_costs_little_and_is_closed(agent):
    host, port = agent.addr.split("//")[1].split(":")
    lazy = socket.socket()
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lazy.connect((host, int(port)))
    lazy.sendall(b"GET /v1/event/stream?topic=Job HTTP/1.1\r\nHost: x\r\n\r\n")
    quick = Reader(agent, "topic=Job:filler")
    serai.wait_for(lambda: quick.lines)
    large = "x" * 500_000
    for i in range(60):  # more than the ring holds
        index = register(agent, "filler", {"large": large, "n": str(i)})
        quick.wait_for(lambda e, index=index: e["Index"] == index, "a reader that reads is not held up")
        quick.lines.clear()
    lazy.settimeout(60)
    received = b""
    while piece := lazy.recv(1 << 20):
        received += piece
    assert received.count(large.encode()) < 60, "it was closed before it had everything"
    assert received.endswith(b"0\r\n\r\n")
    quick.close()
