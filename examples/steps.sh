# Sourced by the examples: a scratch folder, our programs on the PATH, and commands that are shown
# before they are run. All is cleaned up at the end, however it ends.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/serai-example-XXXXXX")
mkdir "$scratch/bin" "$scratch/home"
program=${SERAI:-$(command -v serai || true)}
for built in "$here/../build/src/serai" "$here/../build/serai"; do
    [ -z "${SERAI:-}" ] && [ -x "$built" ] && program=$built
done
[ -n "$program" ] || { echo "no serai: run make first, or set SERAI to the program" >&2; exit 1; }
folder=$(cd "$(dirname "$program")" && pwd)
for name in serai vault nomad; do
    ln -s "$folder/$(basename "$program")" "$scratch/bin/$name"
done
export PATH="$scratch/bin:$folder:$folder/shim:$PATH" HOME="$scratch/home"
unset VAULT_TOKEN VAULT_NAMESPACE NOMAD_TOKEN NOMAD_NAMESPACE
cd "$scratch/home"

started=
finish() {
    status=$?
    trap - EXIT INT TERM
    for pid in $started; do
        kill -INT "$pid" 2>/dev/null || true
    done
    for pid in $started; do
        wait "$pid" 2>/dev/null || true
    done
    if [ $status != 0 ]; then
        echo "The example failed. The ends of the servers' logs:" >&2
        tail -n 15 "$scratch"/home/*.log >&2 || true
    fi
    cd /
    grep -s " $scratch" /proc/self/mounts | cut -d ' ' -f 2 | sort -r | xargs -r umount 2>/dev/null || true
    rm -rf "$scratch"
    exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

# say TEXT: what the next step is about.
say() {
    printf '\n\033[1m%s\033[0m\n' "$*"
}

# run COMMAND...: show it, run it.
run() {
    printf '$ %s\n' "$*"
    "$@"
}

# start LOG COMMAND...: show it, run it in the background; it is ended with the example.
start() {
    log=$1
    shift
    printf '$ %s &\n' "$*"
    "$@" >"$log" 2>&1 &
    started="$! $started"
}

# until_true SECONDS COMMAND...: wait for a condition.
until_true() {
    tries=$(($1 * 20))
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || { echo "waited in vain for: $*" >&2; return 1; }
        sleep 0.05
    done
}

# free_port NUMBER...: the example uses well-known ports; say so if somebody else does.
free_port() {
    for port; do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "port $port is in use: stop what listens there (vault, nomad or serai?) and try again" >&2
            exit 1
        fi
    done
}
