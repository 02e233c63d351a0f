/*
 * spec_file -- a small HCL or JSON file as an object for the API
 *
 * Attributes and unlabelled blocks become members under the API's names; `names` says which
 * there are. A file may hold its members at the top or in one labelled block (`node_pool
 * "gpu" { ... }`), whose label becomes `Name`.
 */
#ifndef CLI_NOMAD_SPEC_FILE_H
#define CLI_NOMAD_SPEC_FILE_H

#include "cli/nomad/nomad_priv.h"

struct spec_name {
    const char *hcl, *api;         /* "enabled_task_drivers", "EnabledTaskDrivers" */
    const struct spec_name *block; /* its members, if it is a block; NULL: as they are */
};

/* `label`: type of the labelled block, NULL: the members are at the top. `names` ends with a
 * row of NULL. Exit code. */
int spec_file_read(struct cli_call *c, const char *path, bool json, const char *label,
                   const struct spec_name *names, struct json **ret);

#endif
