/*
 * cli/nomad -- Nomad's command line, for our server and for a real one
 *
 * One file per command or small family, one table (commands.def). See cli/common/command.h for
 * the frame.
 */
#ifndef CLI_NOMAD_NOMAD_CLI_H
#define CLI_NOMAD_NOMAD_CLI_H

int nomad_cli_main(int argc, char **argv);

#endif
