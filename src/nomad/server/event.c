/* A change of a row as an event of the API. */
#include <string.h>

#include "nomad/model/namespace.h"
#include "nomad/server/events.h"

const struct event_topic event_topics[EVENT_TOPICS] = {
    {"Job", &job_table},         {"Allocation", &alloc_table},
    {"Evaluation", &eval_table}, {"Deployment", &deployment_table},
    {"Node", &node_table},       {"NodePool", &node_pool_table},
};

struct event *event_new(const struct event_topic *t, const struct watch_event *w)
{
    struct event *ev = calloc(1, sizeof *ev + w->key.len + w->value.len);

    if (!ev)
        abort();
    ev->topic = t;
    ev->deleted = w->kind == WATCH_DEL;
    ev->rev = w->rev;
    ev->create_rev = w->create_rev;
    memcpy(ev->bytes, w->key.p, w->key.len);
    ev->record_key = str_n(ev->bytes, w->key.len);
    if (w->value.len)
        memcpy(ev->bytes + w->key.len, w->value.p, w->value.len);
    ev->value = str_n(ev->bytes + w->key.len, w->value.len);
    return ev;
}

void event_free(struct event *ev)
{
    if (!ev)
        return;
    arena_free(ev->arena);
    free(ev);
}

/* ---- what happened ---------------------------------------------------------------------- */

static void of_job(struct event *ev, const struct object *o)
{
    const struct job *j = o->body;
    bool specified = job_spec_index(o) == ev->rev;

    ev->key = j->id;
    ev->namespace = j->namespace;
    ev->type = !specified     ? "EvaluationUpdated" /* its status follows */
               : OPT(j->stop) ? "JobDeregistered"
                              : "JobRegistered";
}

/* The server's own changes carry their index. */
static void of_alloc(struct event *ev, const struct object *o)
{
    const struct alloc *al = o->body;
    bool by_server = index_or(al->alloc_modify_index, ev->rev) == ev->rev;

    ev->key = al->id;
    ev->namespace = al->namespace;
    ev->filter_keys[0] = al->job_id;
    ev->filter_keys[1] = str_or_empty(al->deployment_id);
    ev->n_filter_keys = 2;
    ev->type = by_server ? "PlanResult" : "AllocationUpdated";
}

static void of_eval(struct event *ev, const struct object *o)
{
    const struct eval *v = o->body;

    ev->key = v->id;
    ev->namespace = v->namespace;
    ev->filter_keys[0] = v->job_id;
    ev->filter_keys[1] = str_or_empty(v->deployment_id);
    ev->n_filter_keys = 2;
    ev->type = "EvaluationUpdated";
}

static void of_deployment(struct event *ev, const struct object *o)
{
    const struct deployment *d = o->body;

    ev->key = d->id;
    ev->namespace = d->namespace;
    ev->filter_keys[0] = d->job_id;
    ev->n_filter_keys = 1;
    ev->type = ev->create_rev == ev->rev ? "PlanResult" : "DeploymentStatusUpdate";
}

/* What the node's own history says about this very change. */
static const char *node_change(const struct node *n, uint64_t rev)
{
    const struct node_event *last = n->events.len ? &n->events.at[n->events.len - 1] : NULL;

    if (!last || index_or(last->create_index, rev) != rev)
        return "NodeRegistration";
    if (strcmp(str_or_empty(last->subsystem), "Drain") == 0)
        return "NodeDrain";
    if (str_has(str_of(last->message), STR("ligib")))
        return "NodeEligibility";
    return str_has(str_of(last->message), STR("egister")) ? "NodeRegistration"
                                                          : "NodeStreamEvent";
}

static void of_node(struct event *ev, const struct object *o)
{
    const struct node *n = o->body;

    ev->key = n->id;
    ev->type = ev->create_rev == ev->rev ? "NodeRegistration" : node_change(n, ev->rev);
}

static void of_pool(struct event *ev, const struct object *o)
{
    ev->key = ((const struct node_pool *)o->body)->name;
    ev->type = "NodePoolUpserted";
}

static void (*const made[EVENT_TOPICS])(struct event *ev, const struct object *o) = {
    of_job, of_alloc, of_eval, of_deployment, of_node, of_pool};

/* ---- its text --------------------------------------------------------------------------- */

static void write_event(const struct event *ev, const struct object *o, struct json_out *w)
{
    json_obj(w);
    json_key(w, "FilterKeys");
    if (ev->n_filter_keys == 0)
        json_null(w);
    else
        json_strlist(
            w, &(struct strlist){(const char **)(uintptr_t)ev->filter_keys, ev->n_filter_keys});
    json_kv_u64(w, "Index", ev->rev);
    json_kv_str(w, "Key", ev->key);
    json_kv_str(w, "Namespace", str_or_empty(ev->namespace));
    json_key(w, "Payload");
    json_obj(w);
    json_key(w, ev->topic->name);
    if (o) {
        schema_encode(o->schema, o->body, 0, w);
    } else { /* what is gone is only named */
        json_obj(w);
        json_kv_str(w, ev->namespace || ev->topic->table == &node_table ? "ID" : "Name",
                    ev->key);
        if (ev->namespace)
            json_kv_str(w, "Namespace", ev->namespace);
        json_obj_end(w);
    }
    json_obj_end(w);
    json_kv_str(w, "Topic", ev->topic->name);
    json_kv_str(w, "Type", ev->type);
    json_obj_end(w);
}

static void set_text(struct event *ev, const struct object *o)
{
    auto_buf struct buf b = BUF_INIT(API_REPLY_MAX);
    struct json_out w;

    json_out_init(&w, &b, NULL);
    write_event(ev, o, &w);
    if (buf_ok(&b))
        ev->text = arena_str(ev->arena, buf_str(&b));
}

/* The objects whose end the API tells. */
static bool make_deleted(struct event *ev)
{
    struct str rest = ev->record_key, part;
    const struct table *t = ev->topic->table;

    if (t != &job_table && t != &node_table && t != &node_pool_table)
        return false;
    if (!key_next(&rest, &part) || !key_next(&rest, &part))
        return false;
    ev->key = arena_cstr(ev->arena, part);
    ev->type = t == &node_table ? "NodeDeregistration" : "NodePoolDeleted";
    if (t == &job_table) {
        ev->namespace = ev->key;
        ev->type = "JobDeregistered";
        if (!key_next(&rest, &part))
            return false;
        ev->key = arena_cstr(ev->arena, part);
    }
    set_text(ev, NULL);
    return true;
}

static bool make_from(struct event *ev, struct object *stored)
{
    struct object *o;

    stored->create_rev = ev->create_rev;
    stored->mod_rev = ev->rev;
    o = state_copy(stored); /* its indexes written out */
    made[ev->topic - event_topics](ev, stored);
    ev->key = arena_strdup(ev->arena, ev->key);
    ev->namespace = arena_strdup(ev->arena, ev->namespace);
    for (size_t i = 0; i < ev->n_filter_keys; i++)
        ev->filter_keys[i] = arena_strdup(ev->arena, str_or_empty(ev->filter_keys[i]));
    set_text(ev, o);
    object_unref(o);
    return true;
}

bool event_make(struct event *ev)
{
    auto_object struct object *o = NULL;

    if (ev->arena)
        return ev->text.len > 0;
    ev->arena = arena_new(0);
    if (ev->deleted)
        return make_deleted(ev);
    return object_load(ev->topic->table->schema, ev->value, &o, NULL) == 0 && make_from(ev, o);
}
