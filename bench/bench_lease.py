#!/usr/bin/env python3
"""A million leases: what they cost, and how fast they come and go."""
import tempfile

from lib import Program, bare_lmdb, figure, wrk

LEASES = 1000000
MAKE = 'wrk.method = "PUT"\nwrk.body = "{}"\n'

with tempfile.TemporaryDirectory() as store:
    lmdb = bare_lmdb(2)
    with Program("bench_lease", store, LEASES) as p:
        made = wrk(f"{p.url}/v1/b/creds/asked", 5, connections=32, script=MAKE, token="root")
        figure("leases made by requests", round(made.rate), "leases/s", ">= 10000",
               f"wrk -t 2 -c 32, with {LEASES:,} there; p99 {made.p99_ms:.1f} ms; "
               f"{made.rate / lmdb:.2f} of bare LMDB's records")
        p.rest()
