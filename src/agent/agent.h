/*
 * agent -- the server processes: from flags and files to a running server
 *
 * Here the halves are put together: store, api, vault, nomad, listeners. Each function is one
 * command's main: argv[0] is the command's name, the rest its flags; the result is the exit
 * code.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

int vault_server_main(int argc, char **argv); /* vault server */
int nomad_agent_main(int argc, char **argv);  /* nomad agent */
/* nomad config validate: argv[1..] are files and directories. */
int nomad_validate_main(int argc, char **argv);
int serai_agent_main(int argc, char **argv); /* serai agent: both, with the glue built in */
int routes_main(int argc, char **argv);      /* serai routes: every endpoint, as JSON */

#endif
