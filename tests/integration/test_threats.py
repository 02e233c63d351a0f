"""Weaknesses measured on the originals that only show over a whole server (docs/internals/threats.md)."""
import os
import subprocess

import pytest

import serai


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_told_and_a_sealed_vault_still_opens(box):
    disk = box.dir / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], check=True)
    vault = box.vault_unsealed(storage=f'storage "file" {{\n  path = "{disk}/data"\n}}\n')
    vault.put("/v1/sys/mounts/kv", {"type": "kv"})
    vault.put("/v1/kv/a", {"x": "1"})
    with open(disk / "ballast", "wb", buffering=0) as f, pytest.raises(OSError):
        while True:
            f.write(b"\0" * 4096)

    big = "x" * 20000  # more than what free pages inside the store can take
    for method, path, body in [("PUT", "/v1/kv/b", {"x": big}), ("PUT", "/v1/auth/token/create", {"meta": {"m": big[:500]}}),
                               ("PUT", "/v1/sys/policies/acl/p", {"policy": "#" + big}),
                               ("PUT", "/v1/sys/mounts/other", {"type": "kv", "description": big})]:
        refused = serai.wait_for(lambda: next(
            (r for r in (vault.request(method, path, body) for _ in range(40)) if r.status >= 400), None), 60, path)
        assert refused.status == 507, f"{path}: {refused!r}"
        assert "no space left on the storage device" in refused.text
    assert vault.get("/v1/kv/a")["data"] == {"x": "1"}

    vault.restart()
    vault.wait(lambda: vault.request("GET", "/v1/sys/seal-status").json["sealed"], "the vault to be back, sealed")
    vault.put("/v1/sys/unseal", {"key": vault.share})
    assert vault.get("/v1/kv/a")["data"] == {"x": "1"}
    assert vault.request("PUT", "/v1/kv/b", {"x": big}).status == 507

    (disk / "ballast").unlink()
    serai.wait_for(lambda: vault.request("PUT", "/v1/kv/b", {"x": big}).status == 204, 30, "writes to work again")


@pytest.mark.parametrize("name,value", [("AWS_CA_BUNDLE", "/no/such/file"), ("AWS_CA_BUNDLE", "/etc/passwd"),
                                        ("SSL_CERT_FILE", "/no/such/file"), ("HTTPS_PROXY", "::nonsense::"),
                                        ("NOMAD_ADDR", "nonsense"), ("VAULT_ADDR", "nonsense")])
def test_an_environment_meant_for_something_else_stops_no_agent(box, name, value):
    agent = box.nomad(env={name: value})
    assert agent.get("/v1/nodes")[0]["Status"] == "ready"
