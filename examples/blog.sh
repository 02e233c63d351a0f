#!/bin/bash
# A small production set-up: a vault from a configuration file, initialised and unsealed; a Nomad
# whose token is not root and makes tasks' tokens through a role. Then both restart, the vault
# sealed, and Nomad starts all the same.
. "$(dirname "$0")/steps.sh"
free_port 4646 4647 8200

say "1. A vault with its data on disk."
cat >vault.hcl <<HCL
storage "file" {
  path = "$PWD/vault-data"
}

listener "tcp" {
  address     = "127.0.0.1:8200"
  tls_disable = 1
}

api_addr = "http://127.0.0.1:8200"
HCL
export VAULT_ADDR=http://127.0.0.1:8200
answers() {
    vault status >/dev/null 2>&1 || [ $? = 2 ]
}
start vault.log vault server -config=vault.hcl
vault_pid=${started%% *}
until_true 10 answers

say "2. Initialise it (one share, for brevity) and unseal it."
printf '$ vault operator init -key-shares=1 -key-threshold=1\n'
vault operator init -key-shares=1 -key-threshold=1 >init.txt
share=$(sed -n 's/^Unseal Key 1: //p' init.txt)
VAULT_TOKEN=$(sed -n 's/^Initial Root Token: //p' init.txt)
export VAULT_TOKEN
run vault operator unseal "$share"

say "3. What Nomad may do, the role it makes tokens with, and its own token."
run vault policy write nomad-server "$here/nomad-server-policy.hcl"
run vault write /auth/token/roles/nomad-cluster "@$here/nomad-cluster-role.json"
printf '$ vault token create -policy nomad-server -period 72h -orphan\n'
vault token create -policy nomad-server -period 72h -orphan | tee token.txt
nomad_token=$(awk '$1 == "token" {print $2}' token.txt)

say "4. Nomad with that token."
mkdir nomad.d
cat >nomad.d/nomad.hcl <<HCL
data_dir  = "$PWD/nomad-data"
bind_addr = "127.0.0.1"

advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}

server {
  enabled          = true
  bootstrap_expect = 1
}

client {
  enabled = true
}

vault {
  enabled          = true
  address          = "http://127.0.0.1:8200"
  create_from_role = "nomad-cluster"
  token            = "$nomad_token"
}
HCL
start nomad.log nomad agent -config=nomad.d
nomad_pid=${started%% *}
until_true 20 sh -c "nomad node status | grep -q ready"
run pgrep -l nomad

say "5. The vault restarts, sealed; Nomad restarts, and starts."
kill -INT "$nomad_pid" "$vault_pid"
wait "$nomad_pid" "$vault_pid" || true
start vault.log vault server -config=vault.hcl
until_true 10 answers
printf '$ vault status\n'
vault status || true
start nomad.log nomad agent -config=nomad.d
until_true 20 sh -c "nomad node status | grep -q ready"
run nomad node status
run vault operator unseal "$share"
