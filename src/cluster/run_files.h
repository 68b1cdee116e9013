/* The names of the files that say how a run goes, shared with `pp status`. */
#ifndef PP_CLUSTER_RUN_FILES_H
#define PP_CLUSTER_RUN_FILES_H

#include <stddef.h>

/* "stem.ending"; of part i of n (1 <= i <= n) "stem-part-i-of-n.ending". */
void pp_run_file_name(char *name, size_t room, const char *stem, const char *ending, int part,
                      int parts);
/* The reverse: 1 where `name` is such a name of this stem and ending; part and parts 0 for the
 * plain one. */
int pp_run_file_parse(const char *name, const char *stem, const char *ending, int *part,
                      int *parts);

#endif
