/* identity/: mounted from the first day; entities, groups and OIDC answer "unsupported path"
 * until they exist here. */
#include "vault/core/core_priv.h"

const struct engine identity_engine = {
    .type = "identity", .kind = ENGINE_SECRET, .singleton = true};
