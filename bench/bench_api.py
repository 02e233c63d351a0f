#!/usr/bin/env python3
"""The pipeline with a small service: reads and durable writes beside nginx, and 10,000 parked calls."""
import subprocess
import tempfile
import time

from lib import Nginx, Program, figure, in_turn, program, rss_kb, settled_rss_kb, wrk

PUT = 'wrk.method = "PUT"\nwrk.body = string.rep("x", 256)\n'
PARKED = 10000


def crowd(server):
    """Park them all, release them by one write; the most memory seen meanwhile."""
    before = most = settled_rss_kb(server.pid)
    argv = [program("bench_api"), "crowd", str(server.port), str(PARKED)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as p:
        while p.poll() is None:
            most = max(most, rss_kb(server.pid))
            time.sleep(0.02)
        if p.returncode != 0:
            raise SystemExit("bench_api crowd failed")
        return float(p.stdout.read()), (most - before) * 1024 / PARKED


with tempfile.TemporaryDirectory() as store, Nginx() as nginx, \
        Program("bench_api", "serve", store) as ours:
    wrk(ours.url + "/next", 1, script=PUT)
    subprocess.run(["curl", "-sSf", "-X", "PUT", "--data-binary", "hello", ours.url + "/kv/a"], check=True)
    base, read, write, count = in_turn(
        nginx.url, ours.url + "/kv/a",
        lambda: wrk(ours.url + "/next", 2, script=PUT).rate,
        lambda: wrk(ours.url + "/add", 2, script=PUT).rate, rounds=3)
    ms, each = crowd(ours)
figure("read of one record", read / base, "of nginx", note="wrk -t 2 -c 64, 3 rounds in turn")
figure("durable write, a key each", round(write), "req/s", note="256 bytes, 64 connections")
figure("durable count, all conflict", round(count), "req/s", note="64 connections add to one record")
figure("10,000 parked queries, each", each / 1024, "KB", "<= 8", "RSS of the server, connection included")
figure("10,000 parked queries released", ms, "ms", "<= 200", "one write, until the last has its reply")
