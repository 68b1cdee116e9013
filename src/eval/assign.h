/* Which found stem stands for which true performer: the assignment with the highest sum. */
#ifndef PP_EVAL_ASSIGN_H
#define PP_EVAL_ASSIGN_H

#define PP_ASSIGN_MOST 8
#define PP_ASSIGN_MOST_STEMS 32

/* value [performers, stems] (row-major; higher is better; -INFINITY: cannot be). Assigns as many as
 * both sides allow, each stem at most once: stem[p] is the stem of performer p, or -1. Tries all
 * (performers <= PP_ASSIGN_MOST, stems <= PP_ASSIGN_MOST_STEMS; three performers and ten stems are
 * 1 000 tries). */
void pp_assign_best(const double *value, int performers, int stems, int *stem);

#endif
