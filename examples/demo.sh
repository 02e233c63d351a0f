#!/bin/bash
# One program, both halves: a job reads a secret with a token of its own, which dies with the job.
. "$(dirname "$0")/steps.sh"
free_port 4646 4647 8200

say "1. Start everything: one process serves Nomad's API on 4646 and Vault's on 8200."
start agent.log serai agent -dev
until_true 10 nomad node status
until_true 10 sh -c "nomad node status | grep -q ready"
until_true 10 grep -q '^Root Token: ' agent.log
export VAULT_ADDR=http://127.0.0.1:8200
VAULT_TOKEN=$(sed -n 's/^Root Token: //p' agent.log)
export VAULT_TOKEN

say "2. Keep a secret, and say who may read it."
run vault kv put secret/hello message="the caravan leaves at dawn"
cat >hello.hcl <<'POLICY'
path "secret/data/hello" {
  capabilities = ["read"]
}
POLICY
run vault policy write hello hello.hcl

say "3. A job that asks for that policy. No token stands in it, nor in any configuration."
cat >hello.sh <<SCRIPT
export PATH=$scratch/bin:/usr/bin:/bin
vault kv get -field=message secret/hello
echo
echo "My token has the accessor \$(vault read -field=accessor auth/token/lookup-self)"
exec sleep 3600
SCRIPT
cat >hello-vault.nomad <<JOB
job "hello-vault" {
  datacenters = ["dc1"]

  group "hello-vault" {
    task "hello-vault" {
      driver = "raw_exec"
      env {
        VAULT_ADDR = "http://127.0.0.1:8200"
      }
      vault {
        policies = ["hello"]
      }
      config {
        command = "/bin/sh"
        args    = ["$PWD/hello.sh"]
      }
    }
  }
}
JOB
run cat hello-vault.nomad
run nomad job run -detach hello-vault.nomad

say "4. It runs, and has read the secret with a token of its own."
alloc_id() {
    nomad job allocs hello-vault | awk '$6 == "running" {print $1}' | head -n 1
}
until_true 30 sh -c "nomad job allocs hello-vault | grep -q ' running '"
alloc=$(alloc_id)
until_true 10 sh -c "nomad alloc logs $alloc | grep -q accessor"
run nomad alloc logs "$alloc"
accessor=$(nomad alloc logs "$alloc" | sed -n 's/^My token has the accessor //p')
run vault token lookup -accessor "$accessor"

say "5. Stop the job: the token is dead."
run nomad job stop -detach hello-vault
until_true 10 sh -c "! vault token lookup -accessor $accessor"
printf '$ vault token lookup -accessor %s\n' "$accessor"
vault token lookup -accessor "$accessor" || true

say "That is the point: nobody handed a token to anybody."
