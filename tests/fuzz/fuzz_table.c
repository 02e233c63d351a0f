/* A stored record of vault's and nomad's tables, as a damaged disk may hand it out: the first
 * byte says which table, the rest is the record. What can be read is stored again and means the
 * same; everything else is an error, never a crash. */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "lang/schema.h"
#include "nomad/model/model.h"
#include "nomad/model/namespace.h"
#include "nomad/model/variable.h"
#include "vault/core/lease_priv.h"
#include "vault/core/mount.h"
#include "vault/core/policy.h"
#include "vault/core/token_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORD_MAX = 8 << 20 };

static const struct schema *const schemas[] = {
    &lease_schema,      &token_schema,       &mount_schema,      &token_role_schema,
    &policy_row_schema, &lease_order_schema, &job_schema,        &alloc_schema,
    &node_schema,       &eval_schema,        &deployment_schema, &job_summary_schema,
    &namespace_schema,  &node_pool_schema,   &variable_schema,
};

static void require(bool what)
{
    if (!what)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf struct buf once = BUF_INIT(RECORD_MAX), twice = BUF_INIT(RECORD_MAX);
    auto_object struct object *o = NULL, *again = NULL;
    const struct schema *s;

    if (size == 0)
        return 0;
    s = schemas[data[0] % ARRAY_LEN(schemas)];
    if (object_load(s, str_n((const char *)data + 1, size - 1), &o, NULL) < 0)
        return 0;
    object_store(o, &once);
    require(!once.over);
    require(object_load(s, buf_str(&once), &again, NULL) == 0);
    require(schema_eq(s, o->body, again->body));
    object_store(again, &twice);
    require(str_eq(buf_str(&once), buf_str(&twice)));
    return 0;
}
