#include "store_t.h"

#include "store/store_priv.h"
#include "store/table.h"
#include "store/table_cache.h"

struct pet {
    const char *name, *kind, *owner;
    int64_t age;
};

static const struct schema_field pet_fields[] = {
    {"Name", "name", F_STR, offsetof(struct pet, name), .flags = 0},
    {"Kind", "kind", F_STR, offsetof(struct pet, kind), .flags = 0},
    {"Owner", "owner", F_STR, offsetof(struct pet, owner), .flags = 0},
    {"Age", "age", F_INT, offsetof(struct pet, age), .flags = 0},
};
static SCHEMA(pet_schema, "pet", struct pet, pet_fields);

static void pet_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct pet *)body)->name);
}

static bool by_kind(const void *body, struct key *k)
{
    const struct pet *p = body;

    key_addz(k, p->kind);
    key_add_u64(k, (uint64_t)p->age);
    return true;
}

static bool by_owner(const void *body, struct key *k)
{
    const struct pet *p = body;

    if (!p->owner)
        return false;
    key_addz(k, p->owner);
    return true;
}

static const struct table pets = {
    .name = "pets",
    .schema = &pet_schema,
    .key = pet_key,
    .indexes = {{"by_kind", by_kind}, {"by_owner", by_owner}},
};
static const struct table sealed_pets = {
    .name = "sealed",
    .schema = &pet_schema,
    .key = pet_key,
    .sealed = true,
};

static void put_pet(struct txn *t, const struct table *table, const char *name,
                    const char *kind, const char *owner, int64_t age)
{
    auto_object struct object *o = object_new(&pet_schema);
    struct pet *p = o->body;
    struct err e = ERR_INIT;

    p->name = arena_strdup(o->arena, name);
    p->kind = arena_strdup(o->arena, kind);
    p->owner = arena_strdup(o->arena, owner);
    p->age = age;
    T_OK(table_put(t, table, o, &e), &e);
}

static const struct object *get_pet(struct txn *t, const struct table *table, const char *name)
{
    const struct object *o = NULL;
    struct err e = ERR_INIT;
    struct key k;
    int r;

    key_init(&k, table->name);
    key_addz(&k, name);
    r = table_get(t, table, &k, &o, &e);
    if (r == ERR_NOTFOUND)
        return NULL;
    T_OK(r, &e);
    return o;
}

static void del_pet(struct txn *t, const struct table *table, const char *name)
{
    struct err e = ERR_INIT;
    struct key k;

    key_init(&k, table->name);
    key_addz(&k, name);
    T_OK(table_del(t, table, &k, &e), &e);
}

/* Names found by an index (NULL: by the primary key), joined by spaces. */
static const char *names(struct txn *t, const char *index, const char *part, unsigned flags)
{
    static char text[1024];
    const struct object *o;
    struct table_scan it;
    struct err e = ERR_INIT;
    struct key k;
    size_t len = 0;
    int r;

    text[0] = '\0';
    if (index)
        table_index_key(&k, &pets, index);
    else
        key_init(&k, pets.name);
    if (part)
        key_addz(&k, part);
    r = index ? table_scan_index(t, &it, &pets, &k, flags, &e)
              : table_scan_begin(t, &it, &pets, &k, flags, &e);
    T_OK(r, &e);
    while ((r = table_scan_next(&it, &o, &e)) > 0)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", len ? " " : "",
                                ((const struct pet *)o->body)->name);
    T_OK(r, &e);
    table_scan_end(&it);
    return text;
}

static void commit(struct txn *t)
{
    struct err e = ERR_INIT;

    T_OK(txn_commit_wait(t, NULL, &e), &e);
}

static struct store *zoo(void)
{
    struct store *s = st_memory();
    struct err e = ERR_INIT;
    struct txn *t;

    T_OK(table_open(s, &pets, &e), &e);
    T_OK(table_open(s, &sealed_pets, &e), &e);
    t = st_begin(s, 0);
    put_pet(t, &pets, "rex", "dog", "ann", 300);
    put_pet(t, &pets, "tom", "cat", NULL, 5);
    put_pet(t, &pets, "ace", "dog", "bob", 4);
    commit(t);
    return s;
}

TEST(indexes_follow_what_is_put_and_deleted)
{
    auto_store struct store *s = zoo();

    for (int committed = 0; committed < 2; committed++) {
        T_ROW(committed ? "committed" : "own writes");
        struct txn *t = st_begin(s, 0);
        if (!committed) {
            T_STR_EQ(names(t, NULL, NULL, 0), "ace rex tom");
            T_STR_EQ(names(t, "by_kind", "dog", 0), "ace rex"); /* by age, as a number */
            T_STR_EQ(names(t, "by_kind", "dog", SCAN_REVERSE), "rex ace");
            T_STR_EQ(names(t, "by_owner", NULL, 0), "rex ace");
            put_pet(t, &pets, "rex", "wolf", NULL, 301);
            put_pet(t, &pets, "tom", "cat", "cy", 5);
            del_pet(t, &pets, "ace");
            del_pet(t, &pets, "nobody");
        }
        T_STR_EQ(names(t, NULL, NULL, 0), "rex tom");
        T_STR_EQ(names(t, "by_kind", "dog", 0), "");
        T_STR_EQ(names(t, "by_kind", "wolf", 0), "rex");
        T_STR_EQ(names(t, "by_owner", NULL, 0), "tom");
        commit(t);
    }
    struct txn *t = st_begin(s, 0);
    del_pet(t, &pets, "rex");
    del_pet(t, &pets, "tom");
    T_STR_EQ(st_keys(t, "", 0), ""); /* no entry is left behind */
    txn_drop(t);
}

TEST(objects_are_shared_by_revision_and_never_stale)
{
    auto_store struct store *s = zoo();
    struct table_cache_stats st;
    auto_txn struct txn *old = st_begin(s, TXN_READ_ONLY);
    auto_txn struct txn *same = st_begin(s, TXN_READ_ONLY);
    const struct object *rex = get_pet(old, &pets, "rex");

    T_TRUE(rex == get_pet(same, &pets, "rex"));
    T_INT_EQ(rex->mod_rev, 1);
    T_INT_EQ(rex->create_rev, 1);

    struct txn *t = st_begin(s, 0);
    put_pet(t, &pets, "rex", "dog", "ann", 301);
    T_INT_EQ(((const struct pet *)get_pet(t, &pets, "rex")->body)->age, 301);
    T_INT_EQ(((const struct pet *)get_pet(same, &pets, "rex")->body)->age, 300);
    commit(t);
    auto_txn struct txn *new = st_begin(s, TXN_READ_ONLY);
    T_INT_EQ(((const struct pet *)get_pet(new, &pets, "rex")->body)->age, 301);
    T_INT_EQ(get_pet(new, &pets, "rex")->mod_rev, 2);
    T_INT_EQ(((const struct pet *)get_pet(old, &pets, "rex")->body)->age, 300);
    T_INT_EQ(((const struct pet *)get_pet(new, &pets, "rex")->body)->age, 301);
    T_INT_EQ(table_rev(new, &pets), 2);
    T_INT_EQ(table_rev(old, &pets), 1);
    table_cache_stats(s->cache, &st);
    T_TRUE(st.hits > 0);
    store_cache_clear(s);
    table_cache_stats(s->cache, &st);
    T_INT_EQ(st.objects, 0);
}

TEST(an_index_scan_conflicts_with_a_newcomer)
{
    static const struct {
        const char *label, *name, *kind;
        int want;
    } rows[] = {
        {"another dog", "pip", "dog", ERR_CONFLICT},
        {"another cat", "pip", "cat", 0},
        {"a dog that becomes a wolf", "rex", "wolf", ERR_CONFLICT},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_store struct store *s = zoo();
        struct txn *t = st_begin(s, 0), *other = st_begin(s, 0);
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        names(t, "by_kind", "dog", 0);
        T_OK(txn_put(t, STR("x"), STR("x"), &e), &e);
        put_pet(other, &pets, rows[i].name, rows[i].kind, NULL, 9);
        commit(other);
        T_INT_EQ(txn_commit_wait(t, NULL, &e), rows[i].want);
    }
}

/* A codec that turns letters upside down, bound to the key by its length. */
static int flip(void *ctx, struct str key, struct str in, struct buf *out, struct err *e)
{
    (void)e;
    if (*(bool *)ctx)
        return err_set(e, ERR_SEALED, "Vault is sealed");
    for (size_t i = 0; i < in.len; i++)
        buf_putc(out, (char)(in.p[i] ^ (0x80 | (key.len & 0x7f))));
    return 0;
}

TEST(a_sealed_table_is_unreadable_without_its_codec)
{
    auto_store struct store *s = zoo();
    bool locked = false;
    struct store_codec codec = {&locked, flip, flip};
    auto_object struct object *o = object_new(&pet_schema);
    const struct object *got;
    struct err e = ERR_INIT;
    struct record rec;
    struct key k;

    ((struct pet *)o->body)->name = "sec";
    key_init(&k, sealed_pets.name);
    key_addz(&k, "sec");
    struct txn *t = st_begin(s, 0);
    T_INT_EQ(table_put(t, &sealed_pets, o, &e), ERR_SEALED);
    store_set_codec(s, &codec);
    put_pet(t, &sealed_pets, "sec", "canary", NULL, 1);
    commit(t);

    t = st_begin(s, 0);
    T_OK(txn_get(t, key_str(&k), &rec, &e), &e);
    T_FALSE(str_has(rec.value, STR("canary")));
    T_STR_EQ(((const struct pet *)get_pet(t, &sealed_pets, "sec")->body)->kind, "canary");
    locked = true;
    store_cache_clear(s);
    T_INT_EQ(table_get(t, &sealed_pets, &k, &got, &e), ERR_SEALED);
    txn_drop(t);
}

TEST(the_cache_is_bounded_and_keeps_what_is_used)
{
    enum { BYTES = 256 << 10 };
    struct table_cache *c = table_cache_new(BYTES);
    struct table_cache_stats st;
    const struct object *got;
    char key[32];

    for (int i = 0; i < 2000; i++) {
        struct object *o = object_new(&pet_schema);

        o->mod_rev = 1;
        snprintf(key, sizeof key, "k%d", i);
        table_cache_put(c, str_of(key), o, table_cache_epoch(c));
        object_unref(o);
        table_cache_stats(c, &st);
        T_TRUE(st.bytes <= BYTES);
        got = table_cache_get(c, STR("k0"), 1);
        T_TRUE(got != NULL || i > 0);
        object_unref(got);
    }
    T_TRUE(st.objects > 0 && st.objects < 2000);
    T_TRUE(table_cache_get(c, STR("k1999"), 2) == NULL); /* another revision */
    object_unref(got = table_cache_get(c, STR("k1999"), 1));
    T_TRUE(got != NULL);

    uint64_t before = table_cache_epoch(c);
    struct object *late = object_new(&pet_schema);
    table_cache_clear(c);
    table_cache_put(c, STR("late"), late, before); /* decoded before the clear */
    object_unref(late);
    table_cache_stats(c, &st);
    T_INT_EQ(st.objects, 0);
    table_cache_free(c);
}
