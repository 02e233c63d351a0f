/* Tasks from their start to their end, and what is told about them. */
#include "client_t.h"

TEST(a_task_runs_and_its_events_are_those_of_the_api)
{
    struct world w;

    world_start(&w, NULL);
    world_run(&w, ID1, "echo hi; echo oops >&2", NULL, NULL);
    world_wait(&w, ID1, "complete");
    T_STR_EQ(world_types(&w, ID1, "t"), "Received|Task Setup|Started|Terminated");
    T_STR_EQ(world_texts(&w, ID1, "t"), "Task received by client|Building Task Directory|"
                                        "Task started by client|Exit Code: 0");
    T_STR_EQ(world_alloc(&w, ID1)->client_description, "All tasks have completed");
    T_STR_EQ(world_file(&w, ID1, "alloc/logs/t.stdout.0"), "hi\n");
    T_STR_EQ(world_file(&w, ID1, "alloc/logs/t.stderr.0"), "oops\n");
    world_stop(&w);
}
