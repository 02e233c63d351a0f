"""The file API's errors have an error's status, from the node itself and through a server."""
import serai

JOB = {"Job": {"ID": "files", "Datacenters": ["dc1"], "TaskGroups": [{"Name": "g", "Tasks": [{
    "Name": "t", "Driver": "raw_exec",
    "Config": {"command": "/bin/sh", "args": ["-c", "echo CANARY > secrets/mine; echo note > local/note; exec sleep 3600"]}}]}]}}


def test_errors_are_not_files(box):
    server, client = box.nomad_pair()
    server.put("/v1/jobs", JOB)

    def ready():
        alloc = server.get("/v1/job/files/allocations")[0]["ID"]
        r = server.request("GET", f"/v1/client/fs/cat/{alloc}?path=t/local/note")
        return alloc if r.text == "note\n" else None
    alloc = serai.wait_for(ready, what="the task's files")
    rows = [
        ("cat", "path=t/local/note", 200, "note\n"),
        ("cat", "path=t/local/none", 404, "no such file or directory"),
        ("cat", "path=t/secrets/mine", 403, "Reading secret file prohibited: t/secrets/mine"),
        ("cat", "path=../../../etc/passwd", 400, "Path escapes the alloc directory"),
        ("cat", "", 400, "must provide a file name"),
        ("readat", "path=t/local/note&offset=1&limit=2", 200, "ot"),
        ("readat", "path=t/local/note&limit=2", 400, "error parsing offset"),
        ("readat", "path=t/secrets/mine&offset=0&limit=9", 403, "Reading secret file prohibited"),
    ]
    for agent in (server, client):
        for what, query, status, text in rows:
            r = agent.request("GET", f"/v1/client/fs/{what}/{alloc}?{query}")
            assert (r.status, text in r.text) == (status, True), f"{agent.name} {what} {query}: {r!r}"
            assert "CANARY" not in r.text
    shown = box.run("nomad", "alloc", "fs", alloc, "t/secrets/mine").ok()
    assert shown.out == "Reading secret file prohibited: t/secrets/mine"
