#!/usr/bin/env python3
"""Real `vault server` processes beside nginx and bare LMDB, as their clients see them."""
import subprocess
import tempfile
import time

from lib import (Box, Nginx, bare_lmdb, figure, free_ports, idle_connections, in_turn, median, program,
                 rss_kb, settled_rss_kb, status, wrk)

IDLE = 2000
MANY, FEW = 1000000, 1000
SECRET = '{"data": {"user": "app", "password": "wJalrXUtnFEMI-K7MDENG-bPxRfiCY"}}'
# Each thread of wrk has a range of keys of its own.
SETUP = ("local threads = 0\n"
         "function setup(t) t:set('id', threads) threads = threads + 1 end\n"
         "function init() math.randomseed(os.time() + id) end\n")
POST = f"wrk.method = 'POST'\nwrk.body = '{SECRET}'\n"
WRITE = SETUP + POST + (
    "local n = 0\nfunction request() n = n + 1\n"
    "  return wrk.format(nil, string.format('/v1/secret/data/%08x-%d-%d', math.random(0, 2^31 - 1), id, n)) end\n")
TOKEN = "wrk.method = 'POST'\nwrk.body = '{\"ttl\": \"1h\", \"policies\": [\"default\"]}'\n"


def read_any(n):
    """Reads of one of n secrets, any of them."""
    return SETUP + f"function request() return wrk.format(nil, '/v1/secret/data/k' .. math.random(0, {n - 1})) end\n"


def dev_ready_ms(box):
    """From exec to the first 200 of sys/health."""
    port, = free_ports(1)
    begin = time.monotonic()
    s = box.spawn("dev", "vault", "server", "-dev", f"-dev-listen-address=127.0.0.1:{port}")
    while time.monotonic() - begin < 30:
        try:
            if status(port, "/v1/sys/health") == 200:
                break
        except OSError:
            time.sleep(0.0005)
    ms = (time.monotonic() - begin) * 1000
    s.stop()
    return ms


def port_of(server):
    return int(server.addr.rsplit(":", 1)[1])


def idle(vault):
    """Before anything was asked of it."""
    rss = settled_rss_kb(vault.pid)
    figure("RSS idle", rss / 1024, "MB", "<= 15", f"on disk, unsealed; {rss_kb(vault.pid, 'RssAnon')} KB are private")
    held = idle_connections(port_of(vault), IDLE, "/v1/sys/health")
    each = (settled_rss_kb(vault.pid) - rss) / IDLE
    for s in held:
        s.close()
    figure("RSS of an idle connection", each, "KB", "<= 8", f"{IDLE:,} keep-alive connections that had one answer")


def reads(vault):
    vault.put("/v1/secret/data/one", SECRET)
    with Nginx() as nginx:
        base, health, read = in_turn(
            nginx.url, vault.addr + "/v1/sys/health",
            lambda: wrk(vault.addr + "/v1/secret/data/one", 2, token=vault.token).rate)
    how = "wrk -t 2 -c 64, 5 rounds of 2 s in turn"
    figure("nginx `return 200`", round(base), "req/s", note=how)
    figure("sys/health", health / base, "of nginx", ">= 0.6", how)
    figure("KV v2 read", read / base, "of nginx", ">= 0.45", how)


def writes(vault):
    seen = []

    def write():
        seen.append(wrk(vault.addr, 3, script=WRITE, token=vault.token))
        return seen[-1].rate
    lmdb, kv = in_turn(lambda: bare_lmdb(2), write, rounds=3)
    figure("bare LMDB", round(lmdb), "records/s", note="groups of 64, 256 bytes each, random keys")
    figure("KV v2 durable write", kv / lmdb, "of bare LMDB", ">= 0.5",
           f"wrk -t 2 -c 64, new random paths; {kv:,.0f}/s, p99 {median(l.p99_ms for l in seen):.1f} ms")
    token = wrk(vault.addr + "/v1/auth/token/create", 3, script=TOKEN, token=vault.token, connections=32)
    figure("token create", round(token.rate), "req/s", note=f"wrk -t 2 -c 32, p99 {token.p99_ms:.1f} ms")


def filled(box, n):
    """A server on a store with n secrets."""
    store = tempfile.mkdtemp(dir=box.dir)
    key = subprocess.run([program("bench_kv"), store, str(n)], check=True, capture_output=True, text=True).stdout
    s = box.vault(storage=f'storage "file" {{\n  path = "{store}"\n}}\n', name=f"vault-{n}")
    s.put("/v1/sys/unseal", {"key": key.strip()}, token=None)
    s.token = "root"
    return s


def many_keys(box):
    few, many = filled(box, FEW), filled(box, MANY)
    at_few, at_many = in_turn(
        lambda: wrk(few.addr, 2, script=read_any(FEW), token="root").rate,
        lambda: wrk(many.addr, 2, script=read_any(MANY), token="root").rate)
    figure("KV v2 reads at 1,000,000 keys", at_many / at_few, "of those at 1,000", ">= 0.9",
           f"any key, {at_many:,.0f}/s against {at_few:,.0f}/s; 5 rounds of 2 s in turn")
    figure("RSS after them", settled_rss_kb(many.pid, quiet_s=2) / 1024, "MB")


with Box() as box:
    ready = [dev_ready_ms(box) for _ in range(5)]
    figure("`vault server -dev` ready", median(ready), "ms", "<= 100", "exec to the first 200 of sys/health, median of 5")
    vault = box.vault_unsealed()
    vault.put("/v1/sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    idle(vault)
    reads(vault)
    writes(vault)
    vault.stop()
    many_keys(box)
