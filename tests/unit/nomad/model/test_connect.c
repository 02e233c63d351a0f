#include "model_t.h"

#include "nomad/model/connect.h"

/* A job with one service of the group, whose members are `service`; `network` is a mode. */
static struct job *mesh_job(struct arena *a, const char *network, const char *service)
{
    return job_text(
        a, arena_printf(a,
                        "{'ID':'m','TaskGroups':[{'Name':'g','Networks':[{'Mode':'%s'}],"
                        "'Services':[{'Name':'s','PortLabel':'9001',%s}],"
                        "'Tasks':[{'Name':'t','Driver':'raw_exec'}]}]}",
                        network, service));
}

static const char *problems_of(struct arena *a, const struct job *j)
{
    struct problem_list p = {.arena = a};

    job_validate(j, NULL, &p);
    return problem_list_text(a, &p);
}

TEST(a_connect_block_that_cannot_be_is_refused_with_what_is_wrong)
{
    static const struct {
        const char *label, *network, *service, *want; /* "": valid */
    } rows[] = {
        {"native", "host", "'Connect':{'Native':true}", ""},
        {"sidecar", "bridge", "'Connect':{'SidecarService':{}}", ""},
        {"gateway", "bridge", "'Connect':{'Gateway':{'Mesh':{}}}", ""},
        {"nothing", "bridge", "'Connect':{}", "must be exclusively native, make use of a"},
        {"two at once", "bridge", "'Connect':{'Native':true,'SidecarService':{}}",
         "must be exclusively native, make use of a"},
        {"provider", "bridge", "'Provider':'nomad','Connect':{'SidecarService':{}}",
         "Service with provider nomad cannot include Connect blocks"},
        {"network", "host", "'Connect':{'SidecarService':{}}",
         "Consul Connect sidecar requires bridge network, found \"host\" in group \"g\""},
        {"upstream without a name", "bridge",
         "'Connect':{'SidecarService':{'Proxy':{'Upstreams':[{'LocalBindPort':1}]}}}",
         "upstream has no destination_name"},
        {"upstream without a port", "bridge",
         "'Connect':{'SidecarService':{'Proxy':{'Upstreams':[{'DestinationName':'db'}]}}}",
         "upstream \"db\" needs either local_bind_port or local_bind_socket_path"},
        {"upstream's port", "bridge",
         "'Connect':{'SidecarService':{'Proxy':{'Upstreams':[{'DestinationName':'db',"
         "'LocalBindPort':70000}]}}}",
         "local_bind_port must be between 0 and 65535, not 70000"},
        {"mesh gateway", "bridge",
         "'Connect':{'SidecarService':{'Proxy':{'Upstreams':[{'DestinationName':'db',"
         "'LocalBindPort':1,'MeshGateway':{'Mode':'far'}}]}}}",
         "mesh_gateway mode \"far\" not supported"},
        {"exposed path", "bridge",
         "'Connect':{'SidecarService':{'Proxy':{'Expose':{'Paths':[{'Path':'h',"
         "'Protocol':'http','ListenerPort':'p'}]}}}}",
         "expose path \"h\" must begin with /"},
        {"exposed protocol", "bridge",
         "'Connect':{'SidecarService':{'Proxy':{'Expose':{'Paths':[{'Path':'/h',"
         "'Protocol':'ftp','ListenerPort':'p'}]}}}}",
         "expose protocol must be \"http\" or \"http2\", not \"ftp\""},
        {"excluded ports", "bridge",
         "'Connect':{'SidecarService':{'Proxy':{'TransparentProxy':{"
         "'ExcludeOutboundPorts':[80,'x']}}}}",
         "exclude_outbound_ports[1] is no port"},
        {"gateway of no kind", "bridge", "'Connect':{'Gateway':{}}",
         "must be set: ingress, terminating or mesh"},
        {"ingress", "bridge", "'Connect':{'Gateway':{'Ingress':{'Listeners':[]}}}",
         "ingress gateway has no listener"},
        {"listener", "bridge",
         "'Connect':{'Gateway':{'Ingress':{'Listeners':[{'Port':80,'Protocol':'udp',"
         "'Services':[{'Name':'x'}]}]}}}",
         "listener protocol \"udp\" not supported"},
        {"terminating", "bridge",
         "'Connect':{'Gateway':{'Terminating':{'Services':[{'Name':''}]}}}",
         "terminating gateway has a service without a name"},
    };
    auto_arena struct arena *a = arena_new(0);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *text = problems_of(a, mesh_job(a, rows[i].network, rows[i].service));

        T_ROW(rows[i].label);
        if (*rows[i].want)
            T_STR_HAS(text, rows[i].want);
        else
            T_STR_EQ(text, "");
    }
    T_ROW("");
}

TEST(a_sidecar_belongs_to_a_group_and_a_native_service_to_a_task)
{
    auto_arena struct arena *a = arena_new(0);
    struct job *j = job_text(
        a, "{'ID':'m','TaskGroups':[{'Name':'g','Networks':[{'Mode':'bridge'}],'Tasks':["
           "{'Name':'t','Driver':'raw_exec','Services':[{'Name':'s','Connect':"
           "{'SidecarService':{}}}]},{'Name':'u','Driver':'raw_exec'}],"
           "'Services':[{'Name':'n','Connect':{'Native':true}}]}]}");
    const char *text = problems_of(a, j);

    T_STR_HAS(text, "belongs to a service of the group");
    T_STR_HAS(text, "Service n is Connect Native and requires setting the task");
}

TEST(a_sidecar_has_the_defaults_of_a_task_and_survives_its_stored_form)
{
    auto_arena struct arena *a = arena_new(0);
    auto_object struct object *o = object_new(&job_schema), *back = NULL;
    auto_buf struct buf b = BUF_INIT(1 << 20);
    struct err e = ERR_INIT;
    struct job *j =
        mesh_job(a, "bridge", "'Connect':{'SidecarService':{'Port':'20000'},'SidecarTask':{}}");
    const struct sidecar_task *t = j->groups.at[0].services.at[0].connect->sidecar_task;

    T_INT_EQ(OPT(t->kill_timeout_ns), 5000000000);
    T_INT_EQ(OPT(t->resources->memory_mb), 300);
    T_INT_EQ(OPT(t->logs->max_files), 10);
    memcpy(o->body, schema_copy(&job_schema, j, o->arena), sizeof *j);
    object_store(o, &b);
    T_OK(object_load(&job_schema, buf_str(&b), &back, &e), &e);
    T_TRUE(job_spec_eq(j, back->body));
    T_STR_HAS(schema_text(a, &job_schema, back->body), "\"Port\":\"20000\"");
}

TEST(a_changed_connect_block_shows_in_the_difference)
{
    auto_arena struct arena *a = arena_new(0);
    struct job *old = mesh_job(a, "bridge", "'Connect':{'SidecarService':{'Port':'1'}}");
    struct job *new = mesh_job(a, "bridge", "'Connect':{'SidecarService':{'Port':'2'}}");
    struct job_diff d;
    const struct jd_object *o;

    job_diff_make(old, new, false, a, &d);
    o = &d.groups.at[0].objects.at[0];
    T_STR_EQ(o->name, "Service");
    o = &o->objects.at[0];
    T_STR_EQ(o->name, "ConsulConnect");
    o = &o->objects.at[0];
    T_STR_EQ(o->name, "SidecarService");
    T_STR_EQ(o->fields.at[0].name, "Port");
    T_STR_EQ(o->fields.at[0].new_text, "2");
}
