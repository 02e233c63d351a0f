/*
 * vault_t -- a vault in memory, initialised, unsealed and asked without HTTP
 *
 *     struct vault_t v;
 *     vault_t_start(&v, engines, n);
 *     struct api_response r = vault_ask(&v, v.root, "GET", "/v1/kv/a", NULL);
 *     T_STR_EQ(vault_text(&v, &r, "data.x"), "1");
 *     vault_t_stop(&v);
 */
#ifndef TESTS_UNIT_VAULT_VAULT_T_H
#define TESTS_UNIT_VAULT_VAULT_T_H

#include <poll.h>

#include "api/api.h"
#include "base/clock.h"
#include "t.h"
#include "vault/core/vault.h"

struct vault_t {
    struct store *store;
    struct api *api;
    struct vault *vault;
    struct arena *arena; /* of the replies */
    const char *root;    /* token */
    const char *dir;     /* NULL: in memory */
};

void vault_t_start(struct vault_t *v, const struct engine *const *engines, size_t n);
/* The same over the store in `dir`; a second start finds what the first has left. */
void vault_t_start_in(struct vault_t *v, const char *dir, const struct engine *const *engines,
                      size_t n);
void vault_t_stop(struct vault_t *v);

struct api_response vault_ask(struct vault_t *v, const char *token, const char *method,
                              const char *path, const char *body);
struct api_response vault_ask_with(struct vault_t *v, const char *token, const char *method,
                                   const char *path, const char *body,
                                   const struct http_field *field);
/* The value at a dotted path of the reply, as its text (compact JSON when it is no scalar);
 * "": not there. */
const char *vault_text(struct vault_t *v, const struct api_response *r, const char *dotted);
/* Ask as root and check the status. */
struct api_response vault_expect(struct vault_t *v, int status, const char *method,
                                 const char *path, const char *body);

#endif
