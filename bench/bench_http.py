#!/usr/bin/env python3
"""An empty handler behind 64 keep-alive connections, beside nginx's `return 200`."""
from lib import Nginx, Program, figure, in_turn

with Nginx() as nginx, Program("bench_http") as ours:
    base, mine = in_turn(nginx.url, ours.url + "/")
figure("nginx `return 200`", round(base), "req/s", note="wrk -t 2 -c 64, 5 rounds in turn")
figure("empty handler", mine / base, "of nginx", note="the same")
