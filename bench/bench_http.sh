#!/bin/sh
# bench_http.sh BENCH_HTTP [SECONDS]: an empty handler behind 64 keep-alive connections, as a ratio
# of nginx's `return 200` in the same run; several rounds in turn, for machines are noisy.
set -eu
bench=$1
seconds=${2:-3}
rounds=5
dir=$(mktemp -d "$PWD/bench-http-XXXXXX")
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
"$bench" <"$dir/stdin" >"$dir/port" &
pids="$pids $!"
exec 9>"$dir/stdin"
until [ -s "$dir/port" ] && curl -s -o "$dir/out" "http://127.0.0.1:$port/"; do sleep 0.05; done

rate() { wrk -t 2 -c 64 -d "$seconds" "$1" | awk '/Requests\/sec/ {print $2}'; }

for i in $(seq $rounds); do
    echo "$(rate "http://127.0.0.1:$port/") $(rate "http://127.0.0.1:$(cat "$dir/port")/")"
done | tee "$dir/rates" | awk '{printf "nginx %8d  serai %8d  ratio %.2f\n", $1, $2, $2 / $1}'
awk '{n += $1; s += $2} END {printf "in all: ratio %.2f\n", s / n}' "$dir/rates"
