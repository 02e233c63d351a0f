/* Is a text a policy? Apart, because vault/core's types and the table's have names in common.
 */
#ifndef CLI_VAULT_POLICY_CHECK_H
#define CLI_VAULT_POLICY_CHECK_H

#include "base/arena.h"
#include "base/str.h"

struct err;

enum { POLICY_FILE_MAX = 1 << 20 };

/* ERR_INVALID with the API's text: "At 1:15: expected '/' for comment". */
int policy_check(struct str text, struct arena *a, struct err *e);

#endif
