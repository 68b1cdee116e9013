#include "eval/assign.h"

#include <math.h>
#include <string.h>

typedef struct search {
    const double *value;
    int performers, stems;
    int now[PP_ASSIGN_MOST], best[PP_ASSIGN_MOST];
    unsigned used; /* bits of stems */
    int most;      /* performers assigned in the best */
    double sum;    /* of the best */
} search;

/* Performers from p on; `assigned` and `sum` of those before. Without a stem comes last, so that
 * ties keep the first assignment found. */
static void descend(search *s, int p, int assigned, double sum)
{
    if (p == s->performers) {
        if (assigned < s->most || (assigned == s->most && !(sum > s->sum))) return;
        s->most = assigned;
        s->sum = sum;
        memcpy(s->best, s->now, sizeof s->now);
        return;
    }
    for (int i = 0; i < s->stems; i++) {
        const double value = s->value[p * s->stems + i];
        if ((s->used & 1U << i) != 0 || value == -INFINITY) continue;
        s->used |= 1U << i;
        s->now[p] = i;
        descend(s, p + 1, assigned + 1, sum + value);
        s->used &= ~(1U << i);
    }
    s->now[p] = -1;
    descend(s, p + 1, assigned, sum);
}

void pp_assign_best(const double *value, int performers, int stems, int *stem)
{
    search s = {.value = value, .performers = performers, .stems = stems, .most = -1};
    descend(&s, 0, 0, 0.0);
    memcpy(stem, s.best, (size_t)performers * sizeof *stem);
}
