/* The table of drivers: one line each. */
#include <string.h>

#include "nomad/driver/driver.h"

extern const struct driver raw_exec_driver;

const struct driver *const drivers[] = {
    &raw_exec_driver,
    NULL,
};

const struct driver *driver_find(const char *name)
{
    for (size_t i = 0; drivers[i]; i++)
        if (strcmp(drivers[i]->name, name) == 0)
            return drivers[i];
    return NULL;
}
