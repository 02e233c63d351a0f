"""Every route answers every JSON value: a clear error or a success, never a crash, a dropped
connection or a 5xx that hides one. The routes come from the program itself (`serai routes`)."""
import json
import subprocess

import pytest

import serai


def nested(depth, opening, closing, core=""):
    return opening * depth + core + closing * depth


BODIES = [
    # label, the body as it is sent
    ("null", "null"),
    ("true", "true"),
    ("a number", "1"),
    ("a huge number", "1" + "0" * 400),
    ("a negative fraction", "-1.5e300"),
    ("a string", '"x"'),
    ("an empty array", "[]"),
    ("an array of nulls", "[null, null]"),
    ("an empty object", "{}"),
    ("an unknown field", '{"zzz": {"a": [1, null, "x"]}}'),
    ("deep arrays", nested(2000, "[", "]")),
    ("deep objects", nested(2000, '{"a":', "}", "1")),
    ("half an object", '{"a": '),
    ("bytes after the value", "{} {}"),
    ("a NUL", "{\"a\": \"\0\"}"),
    ("bad UTF-8", b'{"a": "\xff\xfe"}'),
    ("a lone surrogate", r'{"a": "\ud800"}'),
    ("a key twice", '{"a": 1, "a": 2}'),
    ("nothing", ""),
]

# Fields that many routes know, each with values of every wrong type.
FIELDS = ["ID", "Job", "JobHCL", "Name", "Type", "data", "id", "key", "name", "options", "path", "policies",
          "policy", "token", "ttl", "type", "Meta", "NodeID", "Canonicalize", "Targets", "secret_shares"]
WRONG = [None, True, -1, 1e300, "", "x", [], [None], {}, {"a": None}, [[[]]]]

# These end or seal the server, or take our token; their bodies are tested by tests of their own.
LEFT_OUT = {("vault", "/v1/sys/seal"), ("vault", "/v1/sys/step-down"),
            ("vault", "/v1/auth/token/revoke-self"), ("nomad", "/v1/agent/force-leave")}


def routes(service):
    program = serai.find_binary("serai")
    table = json.loads(subprocess.run([program, "routes"], capture_output=True, check=True).stdout)
    mine = [(r["methods"], r["path"]) for r in table if r["service"] == service]
    assert len(mine) > 20, f"only {len(mine)} routes of {service}"
    return [(method, path) for methods, path in mine for method in methods
            if method not in ("GET", "LIST", "HEAD") and (service, path) not in LEFT_OUT]


def concrete(path):
    """A path to send, for a pattern such as /v1/job/:id/plan or /v1/sys/mounts/*path."""
    parts = [("secret/x" if part[0] == "*" else "x") if part and part[0] in ":*{" else part for part in path.split("/")]
    return "/".join(parts)


def bodies():
    yield from BODIES
    for value in WRONG:
        yield f"every known field {json.dumps(value)[:20]}", json.dumps({field: value for field in FIELDS})


def ask_all(server, service):
    """Lines about each answer that is none: every body to every route of the service."""
    said = []
    for method, path in routes(service):
        for label, body in bodies():
            where = f"{method} {path} with {label}"
            try:
                r = server.request(method, concrete(path), body)
            except OSError as e:
                said.append(f"{where}: no answer ({e!r})")
                if not server.running():
                    return said + [f"the server ended:\n{server.log[-3000:]}"]
                continue
            if r.status >= 500 and not (r.json or r.text.strip()):
                said.append(f"{where}: {r.status} without a word")
            if r.status == 500 and "internal" in r.text.lower():
                said.append(f"{where}: {r!r}")
            if service == "vault" and r.status >= 400 and not isinstance((r.json or {}).get("errors"), list):
                said.append(f"{where}: {r.status} without an errors array: {r.text[:100]}")
    return said


@pytest.mark.parametrize("service", ["vault", "nomad"])
def test_every_route_answers_every_body(box, service):
    server = box.vault_dev() if service == "vault" else box.nomad()
    said = ask_all(server, service)
    assert not said, f"{len(said)} bad answers:\n" + "\n".join(said[:40])
    assert server.request("GET", "/v1/sys/health" if service == "vault" else "/v1/status/leader").status < 500
