"""What is asked of an agent without a server is asked of its servers: over their RPC port, which answers
the public API as their HTTP port does."""
import threading

import serai


def job(name="j", count=1):
    return {"Job": {
        "ID": name, "Datacenters": ["dc1"], "Type": "service",
        "TaskGroups": [{"Name": "g", "Count": count, "Tasks": [{
            "Name": "t", "Driver": "raw_exec", "Config": {"command": "/bin/sleep", "args": ["3600"]},
            "Resources": {"CPU": 20, "MemoryMB": 10}}]}]}}


def running(nomad, name, n):
    return serai.wait_for(lambda: (lambda found: found if len(found) == n else None)(
        [a for a in nomad.get(f"/v1/job/{name}/allocations") if a["ClientStatus"] == "running"]), 60, f"{name} to run")


def without_age(reply):
    return reply.status, reply.json


def test_a_client_and_the_rpc_port_answer_the_public_api(box):
    server, client = box.nomad_pair()
    assert client.put("/v1/jobs", job())["EvalID"], "a write through the client"
    alloc, = running(client, "j", 1)
    rpc = box.view(f"http://{server.rpc}")
    for path in ["/v1/jobs", "/v1/job/j", "/v1/allocations", f"/v1/allocation/{alloc['ID']}", "/v1/evaluations",
                 "/v1/nodes", "/v1/status/leader", "/v1/job/none", "/v1/allocation/nonsense", "/v1/deployments"]:
        want = without_age(server.request("GET", path))
        assert without_age(client.request("GET", path)) == want, path
        assert without_age(rpc.request("GET", path)) == want, f"{path} over rpc"
    bad = client.request("PUT", "/v1/jobs", {"Job": {"ID": "bad"}})
    assert (bad.status, bad.text) == (lambda r: (r.status, r.text))(server.request("PUT", "/v1/jobs", {"Job": {"ID": "bad"}}))

    # a blocking query through the client is woken by a write through the server
    index = int(client.request("GET", "/v1/jobs").headers["x-nomad-index"])
    got = []
    waiter = threading.Thread(target=lambda: got.append(client.request("GET", f"/v1/jobs?index={index}&wait=60s")))
    waiter.start()
    server.put("/v1/jobs", job("second"))
    waiter.join(30)
    assert [j["ID"] for j in got[0].json] == ["j", "second"]
    assert int(got[0].headers["x-nomad-index"]) > index

    server.stop()
    gone = client.request("GET", "/v1/jobs")
    assert gone.status == 500 and gone.text, "no server, and it says so"


def test_a_node_tells_when_its_allocations_changed(box):
    agent = box.nomad()
    node = agent.get("/v1/nodes")[0]["ID"]
    before = agent.get(f"/v1/node/{node}")["LastAllocUpdateIndex"]
    agent.put("/v1/jobs", job())
    alloc, = running(agent, "j", 1)
    placed = agent.get(f"/v1/node/{node}")["LastAllocUpdateIndex"]
    assert placed > before and placed >= alloc["CreateIndex"]
    agent.request("DELETE", "/v1/job/j")
    serai.wait_for(lambda: agent.get(f"/v1/allocation/{alloc['ID']}")["ClientStatus"] == "complete", 60, "the task to end")
    assert agent.get(f"/v1/node/{node}")["LastAllocUpdateIndex"] > placed
