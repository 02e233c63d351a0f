#!/bin/bash
# The workshop: a vault, a Nomad server and a Nomad client as separate processes; a job gets AWS
# credentials made for it. AWS is played by moto_server (pip install 'moto[server]').
. "$(dirname "$0")/steps.sh"
free_port 4646 4647 5641 5642 8200 5000

moto=$here/../.venv/bin/moto_server
[ -x "$moto" ] || moto=$(command -v moto_server) || { echo "no moto_server: run tools/install_deps test" >&2; exit 1; }

say "1. A vault for trying things out, and a stand-in for AWS."
start aws.log "$moto" -H 127.0.0.1 -p 5000
start vault.log vault server -dev
until_true 10 grep -q '^Root Token: ' vault.log
export VAULT_ADDR=http://127.0.0.1:8200
VAULT_TOKEN=$(sed -n 's/^Root Token: //p' vault.log)
export VAULT_TOKEN

say "2. A Nomad server and a client; the server's token comes from its environment."
common() {
    cat <<HCL
data_dir  = "$PWD/$1"
bind_addr = "127.0.0.1"

vault {
  enabled = true
  address = "http://127.0.0.1:8200"
}

advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}
HCL
}
{
    common server-data
    cat <<'HCL'

server {
  enabled          = true
  bootstrap_expect = 1
}
HCL
} >server.hcl
{
    common client-data
    cat <<'HCL'

client {
  enabled = true
  servers = ["127.0.0.1:4647"]
}

ports {
  http = 5641
  rpc  = 5642
  serf = 5643
}

plugin "raw_exec" {
  config {
    enabled = true
  }
}
HCL
} >client.hcl
start server.log nomad agent -config=server.hcl
start client.log nomad agent -config=client.hcl
until_true 20 sh -c "nomad node status | grep -q ready"

say "3. The vault makes AWS keys, and a policy says who may have them."
until_true 30 curl -sf http://127.0.0.1:5000/moto-api/
run vault secrets enable aws
run vault write aws/config/root access_key=AKIAIOSFODNN7EXAMPLE \
    secret_key=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYx region=ap-northeast-1 \
    iam_endpoint=http://127.0.0.1:5000 sts_endpoint=http://127.0.0.1:5000
cat >aws.hcl <<'POLICY'
path "aws/*" {
  capabilities = [ "read" ]
}
POLICY
run vault policy write aws aws.hcl
run vault policy list
cat >s3.json <<'JSON'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "s3:*",
      "Resource": "arn:aws:s3:::*"
    }
  ]
}
JSON
run vault write aws/roles/s3-role credential_type=iam_user policy_document=@s3.json

say "4. The job reads its keys with a token of its own."
cat >hello-vault.nomad <<JOB
job "hello-vault" {
  datacenters = ["dc1"]

  type = "service"

  group "hello-vault" {
    task "hello-vault" {
      env {
        VAULT_ADDR = "http://127.0.0.1:8200"
      }
      driver = "raw_exec"
      vault {
        policies    = ["aws"]
        change_mode = "restart"
      }
      config {
        command = "$scratch/bin/vault"
        args    = ["read", "aws/creds/s3-role"]
      }
    }
  }
}
JOB
run nomad job run hello-vault.nomad
alloc=$(nomad job allocs hello-vault | awk 'NR == 2 {print $1}')
until_true 20 sh -c "nomad fs $alloc /alloc/logs/hello-vault.stdout.0 | grep -q security_token"
run nomad fs "$alloc" /alloc/logs/hello-vault.stdout.0
token=$(cat client-data/alloc/"$alloc"*/hello-vault/secrets/vault_token)
run vault token lookup "$token"

say "5. Stop the job: its token is dead."
run nomad job stop hello-vault
until_true 10 sh -c "! vault token lookup $token"
printf '$ vault token lookup %s\n' "$token"
vault token lookup "$token" || true
