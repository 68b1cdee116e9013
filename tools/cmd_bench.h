/* The parts of `pp bench`; argv[0] is the sub-verb. Exit statuses as in pp.h. */
#ifndef PP_TOOLS_CMD_BENCH_H
#define PP_TOOLS_CMD_BENCH_H

int pp_bench_networks(int argc, char **argv); /* networks, kernels */
int pp_bench_pipeline(int argc, char **argv);

#endif
