# What the token in a Nomad server's `vault` block may do. Write it with
#
#   vault policy write nomad-server nomad-server-policy.hcl
#
# The token role it speaks of is in nomad-cluster-role.json.

# Make tokens for tasks through the role, and read the role to check that it fits.
path "auth/token/create/nomad-cluster" {
  capabilities = ["update"]
}

path "auth/token/roles/nomad-cluster" {
  capabilities = ["read"]
}

# Look at itself, and at the tokens of people who submit jobs with one.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}

path "auth/token/lookup" {
  capabilities = ["update"]
}

# Revoke the tokens of tasks that have ended.
path "auth/token/revoke-accessor" {
  capabilities = ["update"]
}

# Ask what it may do, before anything depends on it; keep itself alive.
path "sys/capabilities-self" {
  capabilities = ["update"]
}

path "auth/token/renew-self" {
  capabilities = ["update"]
}
