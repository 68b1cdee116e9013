/* Logistic regression: its loss, and L-BFGS with a backtracking line search. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "train/label_fit.h"

enum { MEMORY = 12, MOST_STEPS = 300, MOST_HALVINGS = 40 };
#define ENOUGH_DECREASE 1e-4 /* Armijo's rule */
#define LEAST_GRADIENT 1e-5  /* Euclidean length at which it has arrived */

double pp_label_loss(const pp_label_problem *p, const double *theta, double *gradient, double *room)
{
    int d = p->features, row = d + 1, used = 0;
    size_t size = (size_t)p->classes * (size_t)row;
    double loss = 0, squares = 0;
    memset(gradient, 0, size * sizeof *gradient);
    for (int i = 0; i < p->count; i++) {
        if (p->chosen != NULL && !p->chosen[i]) continue;
        const double *x = p->x + (size_t)i * (size_t)d;
        for (int c = 0; c < p->classes; c++) {
            const double *w = theta + (size_t)c * (size_t)row;
            double sum = w[d];
            for (int k = 0; k < d; k++) sum += w[k] * x[k];
            room[c] = sum;
        }
        pp_labeller_softmax(room, p->classes, 1);
        loss -= log(room[p->y[i]] > 1e-300 ? room[p->y[i]] : 1e-300);
        room[p->y[i]] -= 1;
        for (int c = 0; c < p->classes; c++) {
            double *g = gradient + (size_t)c * (size_t)row;
            for (int k = 0; k < d; k++) g[k] += room[c] * x[k];
            g[d] += room[c];
        }
        used++;
    }
    double by = used > 0 ? 1.0 / used : 0;
    for (int c = 0; c < p->classes; c++) {
        const double *w = theta + (size_t)c * (size_t)row;
        double *g = gradient + (size_t)c * (size_t)row;
        for (int k = 0; k < d; k++) {
            squares += w[k] * w[k];
            g[k] = g[k] * by + 2 * p->penalty * w[k];
        }
        g[d] *= by;
    }
    return loss * by + p->penalty * squares;
}

/* ---- L-BFGS ---------------------------------------------------------------------------------- */

typedef struct search {
    size_t size;
    int kept, newest;                /* pairs in memory */
    double *steps, *changes;         /* [MEMORY, size] of theta and of the gradient */
    double curvature[MEMORY];        /* 1 / (step . change) */
    double *gradient, *next, *trial; /* [size] */
    double *direction, *room;
} search;

static double dot(const double *a, const double *b, size_t size)
{
    double sum = 0;
    for (size_t i = 0; i < size; i++) sum += a[i] * b[i];
    return sum;
}

static void add_times(double *to, double by, const double *from, size_t size)
{
    for (size_t i = 0; i < size; i++) to[i] += by * from[i];
}

/* direction = - H gradient, by the two loops over the pairs kept. */
static void find_direction(search *s)
{
    double alpha[MEMORY];
    for (size_t i = 0; i < s->size; i++) s->direction[i] = -s->gradient[i];
    for (int n = 0; n < s->kept; n++) {
        int at = (s->newest - n + MEMORY) % MEMORY;
        alpha[at] = s->curvature[at] * dot(s->steps + (size_t)at * s->size, s->direction, s->size);
        add_times(s->direction, -alpha[at], s->changes + (size_t)at * s->size, s->size);
    }
    if (s->kept > 0) {
        const double *y = s->changes + (size_t)s->newest * s->size;
        double scale = 1 / (s->curvature[s->newest] * dot(y, y, s->size));
        for (size_t i = 0; i < s->size; i++) s->direction[i] *= scale;
    }
    for (int n = s->kept - 1; n >= 0; n--) {
        int at = (s->newest - n + MEMORY) % MEMORY;
        double beta =
            s->curvature[at] * dot(s->changes + (size_t)at * s->size, s->direction, s->size);
        add_times(s->direction, alpha[at] - beta, s->steps + (size_t)at * s->size, s->size);
    }
}

/* Keeps the pair of the step just made, if the loss curves upwards along it. */
static void keep_pair(search *s, const double *theta)
{
    int at = (s->newest + 1) % MEMORY;
    double *step = s->steps + (size_t)at * s->size, *change = s->changes + (size_t)at * s->size;
    for (size_t i = 0; i < s->size; i++) {
        step[i] = s->trial[i] - theta[i];
        change[i] = s->next[i] - s->gradient[i];
    }
    double product = dot(step, change, s->size);
    if (!(product > 1e-12)) return;
    s->curvature[at] = 1 / product;
    s->newest = at;
    if (s->kept < MEMORY) s->kept++;
}

/* One step; 0 where no step makes the loss smaller. */
static int step(search *s, const pp_label_problem *p, double *theta, double *loss)
{
    find_direction(s);
    double slope = dot(s->gradient, s->direction, s->size), length = 1;
    if (!(slope < 0)) return 0;
    if (s->kept == 0) length = 1 / (1 + sqrt(dot(s->gradient, s->gradient, s->size)));
    for (int i = 0; i < MOST_HALVINGS; i++, length /= 2) {
        memcpy(s->trial, theta, s->size * sizeof *theta);
        add_times(s->trial, length, s->direction, s->size);
        double now = pp_label_loss(p, s->trial, s->next, s->room);
        if (!(now <= *loss + ENOUGH_DECREASE * length * slope)) continue;
        keep_pair(s, theta);
        memcpy(theta, s->trial, s->size * sizeof *theta);
        memcpy(s->gradient, s->next, s->size * sizeof *theta);
        *loss = now;
        return 1;
    }
    return 0;
}

static pp_status take_room(search *s, const pp_label_problem *p, void **memory, pp_error *err)
{
    s->size = (size_t)p->classes * ((size_t)p->features + 1);
    s->newest = MEMORY - 1;
    size_t count = (2 * (size_t)MEMORY + 4) * s->size + (size_t)p->classes;
    pp_status status = pp_alloc_checked(memory, count, sizeof(double), "fitting labels", err);
    if (status != PP_OK) return status;
    double *at = *memory;
    s->steps = at;
    s->changes = s->steps + MEMORY * s->size;
    s->gradient = s->changes + MEMORY * s->size;
    s->next = s->gradient + s->size;
    s->trial = s->next + s->size;
    s->direction = s->trial + s->size;
    s->room = s->direction + s->size;
    return PP_OK;
}

pp_status pp_label_minimise(const pp_label_problem *problem, double *theta, double *loss,
                            pp_error *err)
{
    search s = {0};
    void *memory = NULL;
    pp_status status = take_room(&s, problem, &memory, err);
    if (status != PP_OK) return status;
    *loss = pp_label_loss(problem, theta, s.gradient, s.room);
    for (int i = 0; i < MOST_STEPS; i++) {
        if (sqrt(dot(s.gradient, s.gradient, s.size)) < LEAST_GRADIENT) break;
        if (!step(&s, problem, theta, loss)) break;
    }
    pp_free(memory);
    return PP_OK;
}
