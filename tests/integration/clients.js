// What a program that uses node-vault does: read the health, write and read a secret, make a token
// with a policy, be refused with it where it may not go, revoke it. Prints one JSON object.
const vault = require("node-vault")({endpoint: process.env.VAULT_ADDR, token: process.env.VAULT_TOKEN});

async function refused(promise) {
  try {
    await promise;
    return 0;
  } catch (e) {
    return e.response ? e.response.statusCode : String(e);
  }
}

async function main() {
  const health = await vault.health();
  await vault.write("secret/data/node", {data: {answer: "42"}});
  const read = await vault.read("secret/data/node");
  await vault.addPolicy({name: "node", policy: 'path "secret/data/node" { capabilities = ["read"] }'});
  const made = await vault.tokenCreate({policies: ["node"], ttl: "1h"});
  vault.token = process.env.VAULT_TOKEN; // tokenCreate makes the new token the client's own
  const own = require("node-vault")({endpoint: process.env.VAULT_ADDR, token: made.auth.client_token});
  const self = await own.tokenLookupSelf();
  const denied = await refused(own.write("secret/data/node", {data: {answer: "43"}}));
  const mounts = await vault.mounts();
  await vault.tokenRevoke({token: made.auth.client_token});
  const dead = await refused(own.tokenLookupSelf());
  console.log(JSON.stringify({
    sealed: health.sealed, answer: read.data.data.answer, policies: self.data.policies, denied, dead,
    kv: Object.keys(mounts).includes("secret/"),
  }));
}

main().catch((e) => {
  console.error(e);
  process.exit(1);
});
