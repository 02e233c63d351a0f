/*
 * shim/protocol -- between a client agent and the supervisor of one task
 *
 * The agent starts `serai-shim DIR` with the spec on its standard input. The shim starts the
 * task, writes SHIM_STARTED to its standard error and closes it (or says why not, and ends with
 * 2), owns the task's logs and its exit status, and outlives the agent.
 * Whoever wants to talk to it connects to the unix socket DIR/shim.sock and sends lines; each
 * answer is one line.
 *
 *     files in DIR (0700, owned by the agent's user)
 *       spec        what was asked (written by the agent, removed once read: it may hold
 * secrets) shim.sock   lives as long as the shim pid         "<pid of the task> <start time>
 * <pid of the shim> <its start time>\n" status      written once, atomically, when the task has
 * ended: "exit <code> <signal> <oom> <time ns>\n"
 *
 *     requests                      answers
 *       status                      running <pid> <start time> <started ns> | exit <code>
 * <signal> <oom> <time ns> signal <number>             ok | error <text> stop <signal> <grace
 * ms>    ok   (signal; after the grace SIGKILL to the whole group) wait (held until the task
 * has ended) exit <code> <signal> <oom> <time ns> stats                       <cpu ns> <rss
 * bytes> <processes> forget                      ok   (the agent has recorded the exit: the
 * shim removes DIR's files and ends)
 *
 * A shim whose task has ended stays until `forget` or SHIM_LINGER_MS, then leaves `status`
 * behind and ends: an exit status is never lost. The spec is a list of NUL-terminated strings
 * "key\0value\0", closed by an empty key: path, arg (repeated, argv[0] first), env (repeated,
 * "K=V"), cwd, uid, gid, stdout, stderr (file name stem: "<stem>.0",
 * "<stem>.1", ... in log_dir), log_dir, log_files, log_bytes, cgroup (directory to join,
 * optional), nice, rlimit (repeated "name=soft:hard"), no_new_privs ("1")
 *
 * Limits: below. Anything malformed is refused with one line on standard error and exit code 2.
 */
#ifndef SHIM_PROTOCOL_H
#define SHIM_PROTOCOL_H

#define SHIM_STARTED "started\n"

enum {
    SHIM_SPEC_MAX = 1 << 20,
    SHIM_ARGS_MAX = 4096,
    SHIM_LINE_MAX = 256,
    SHIM_CLIENTS_MAX = 8,
    SHIM_LOG_FILES_MAX = 1000,
    SHIM_LINGER_MS = 10 * 60 * 1000,
};

#endif
