#include "cluster/run_files.h"

#include <stdio.h>
#include <string.h>

void pp_run_file_name(char *name, size_t room, const char *stem, const char *ending, int part,
                      int parts)
{
    if (parts > 0) snprintf(name, room, "%s-part-%d-of-%d.%s", stem, part, parts, ending);
    else snprintf(name, room, "%s.%s", stem, ending);
}

int pp_run_file_parse(const char *name, const char *stem, const char *ending, int *part, int *parts)
{
    char again[128];
    *part = *parts = 0;
    size_t length = strlen(stem);
    if (strncmp(name, stem, length) != 0) return 0;
    if (sscanf(name + length, "-part-%d-of-%d.", part, parts) != 2) *part = *parts = 0;
    pp_run_file_name(again, sizeof again, stem, ending, *part, *parts);
    return strcmp(again, name) == 0;
}
