#!/bin/sh
# bench_api.sh BENCH_API [SECONDS]: reads and durable writes through the pipeline, each as a ratio
# of nginx's `return 200` in the same run, and 10,000 parked calls released by one write.
set -eu
bench=$1
seconds=${2:-5}
connections=64
dir=$(mktemp -d "$PWD/bench-api-XXXXXX")
pids=
stop() {
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$dir"
}
trap stop EXIT INT TERM

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$dir/nginx.conf" <<CONF
worker_processes auto; daemon off; error_log $dir/nginx.log; pid $dir/nginx.pid;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 1000000000;
       server { listen 127.0.0.1:$port; location / { return 200; } } }
CONF
nginx -c "$dir/nginx.conf" -p "$dir" 2>/dev/null &
pids="$pids $!"
mkfifo "$dir/stdin"
"$bench" serve "$dir/store" <"$dir/stdin" >"$dir/port" &
server=$!
pids="$pids $server"
exec 9>"$dir/stdin"
until [ -s "$dir/port" ] && curl -s -o "$dir/out" "http://127.0.0.1:$port/"; do sleep 0.05; done
ours=http://127.0.0.1:$(cat "$dir/port")

cat >"$dir/put.lua" <<'LUA'
wrk.method = "PUT"
wrk.body = string.rep("x", 256)
LUA

# run NAME URL [wrk's options]: requests per second, and the time of 99 %, on standard output
run() {
    name=$1 url=$2
    shift 2
    wrk -t 1 -c $connections -d "$seconds" --latency "$@" "$url" >"$dir/wrk"
    if grep -q Non-2xx "$dir/wrk"; then cat "$dir/wrk" >&2; exit 1; fi
    awk -v name="$name" -v base="${base:-0}" '/99%/ {p = $2} /Requests\/sec/ {r = $2}
        END {printf "%-34s %9d req/s  p99 %-9s", name, r, p
             if (base > 0) printf " ratio %.2f", r / base; print ""}' "$dir/wrk"
    rate=$(awk '/Requests\/sec/ {print $2}' "$dir/wrk")
}

rss() { awk '/VmRSS/ {print $2}' "/proc/$server/status"; }

run "nginx return 200" "http://127.0.0.1:$port/"
base=$rate
curl -sS -X PUT --data-binary hello "$ours/kv/a"
run "read of one record" "$ours/kv/a"
run "durable write, a key each" "$ours/next" -s "$dir/put.lua"
run "durable count, all conflict" "$ours/add" -s "$dir/put.lua"
before=$(rss)
"$bench" crowd "$(cat "$dir/port")" 10000 >"$dir/crowd" &
crowd=$!
most=$before
while kill -0 $crowd 2>/dev/null; do
    now=$(rss)
    [ "$now" -le "$most" ] || most=$now
    sleep 0.05
done
wait $crowd
echo "10,000 parked calls: released in $(cat "$dir/crowd") ms, $(((most - before) * 1024 / 10000)) bytes of RSS each"
