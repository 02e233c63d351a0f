"""/v1/agent/monitor: the log as it is written, of the agent asked and of a node behind it."""
import base64
import json
import os
import signal
import threading
import urllib.request

import pytest

import serai


@pytest.fixture(scope="module")
def agents():
    with serai.Box() as box:
        yield box.nomad_pair()


class Monitor(threading.Thread):
    def __init__(self, agent, query=""):
        super().__init__(daemon=True)
        self.reply = urllib.request.urlopen(f"{agent.addr}/v1/agent/monitor?{query}", timeout=60)
        self.bytes = b""
        self.start()

    def run(self):
        try:
            while piece := self.reply.read1(1 << 16):
                self.bytes += piece
        except (OSError, ValueError):
            pass

    def framed(self):
        text, lines, decoder = self.bytes.decode(), "", json.JSONDecoder()
        while text.strip():
            try:
                frame, end = decoder.raw_decode(text)
            except ValueError:
                break
            lines, text = lines + base64.b64decode(frame.get("Data", "")).decode(), text[end:]
        return lines


def stir(agent):
    """Something that every agent logs."""
    os.kill(agent.pid, signal.SIGHUP)


def wait_for_lines(agent, read):
    def lines():
        stir(agent)
        return "[" in read() and "]" in read()
    serai.wait_for(lines, what="lines of the log")


def test_the_agents_own_log_is_followed(agents):
    server = agents[0]
    plain = Monitor(server, "log_level=trace&plain=true")
    framed = Monitor(server, "log_level=trace")
    wait_for_lines(server, lambda: plain.bytes.decode())
    wait_for_lines(server, framed.framed)


def test_a_nodes_log_is_followed_through_its_server(agents):
    server, client = agents
    node = server.get("/v1/nodes")[0]["ID"]
    monitor = Monitor(server, f"log_level=trace&plain=true&node_id={node}")
    wait_for_lines(client, lambda: monitor.bytes.decode())


@pytest.mark.parametrize("query,status,text", [
    ("log_level=zz", 400, "Unknown log level: zz"),
    ("node_id=a&server_id=b", 400, "Cannot target node and server simultaneously"),
    ("server_id=mars", 500, "unknown Nomad server mars"),
    ("node_id=00000000-0000-0000-0000-000000000000", 404, "Unknown node"),
])
def test_a_wrong_question_is_told(agents, query, status, text):
    reply = agents[0].request("GET", f"/v1/agent/monitor?{query}")
    assert reply.status == status and text in reply.text
