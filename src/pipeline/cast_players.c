#include "pipeline/cast_players.h"

#include <string.h>

#include "base/memory.h"

#define MOST_CELLS 14      /* rows and columns of the coarse grid, at most */
#define ACTIVE_SHARE 0.25  /* of the most active cell: a cell belongs to a player */
#define PLAYER_SHARE 0.25  /* of its kind's activity: an island is a player */
#define TOGETHER_SHARE 0.5 /* of the lesser player's time: two islands sound at once */
#define APART_SHARE 0.28   /* of the picture's width: their centres lie apart */
#define MOST_PLAYERS 16

/* An island: connected cells of one kind. */
typedef struct island {
    double activity, row, column; /* sum; centre in cells */
    int mark;                     /* of its cells in `marks` */
} island;

struct pp_cast_players {
    int kinds, grid, cells; /* cells: rows and columns of the coarse grid */
    float *together;        /* [kinds, cells^2, cells^2] loudness of windows that both sound in */
    int8_t *source;         /* [kinds, cells^2] after finish */
};

static int cell_count(const pp_cast_players *players)
{
    return players->cells * players->cells;
}

pp_status pp_cast_players_create(pp_cast_players **out, int kinds, int grid, pp_error *err)
{
    void *memory = NULL, *together = NULL, *source = NULL;
    *out = NULL;
    pp_status status = pp_alloc_checked(&memory, 1, sizeof **out, "the cast's places", err);
    if (status != PP_OK) return status;
    pp_cast_players *players = memory;
    players->kinds = kinds;
    players->grid = grid;
    players->cells = grid < MOST_CELLS ? grid : MOST_CELLS;
    size_t cells = (size_t)cell_count(players);
    status = pp_alloc_checked(&together, (size_t)kinds * cells, cells * sizeof(float),
                              "the cast's places", err);
    players->together = together;
    if (status == PP_OK) {
        status = pp_alloc_checked(&source, (size_t)kinds, cells, "the cast's places", err);
    }
    players->source = source;
    if (status == PP_OK) *out = players;
    else pp_cast_players_destroy(&players);
    return status;
}

void pp_cast_players_destroy(pp_cast_players **players)
{
    if (*players == NULL) return;
    pp_free((*players)->together);
    pp_free((*players)->source);
    PP_FREE(*players);
}

static int cell_of(const pp_cast_players *players, int row, int column)
{
    return row * players->cells / players->grid * players->cells +
           column * players->cells / players->grid;
}

static float *together_of(const pp_cast_players *players, int kind, int cell)
{
    int cells = cell_count(players);
    return players->together + ((int64_t)kind * cells + cell) * cells;
}

void pp_cast_players_add(pp_cast_players *players, const int8_t *kind, const float *amplitude)
{
    for (int k = 0; k < players->kinds; k++) {
        uint8_t sounds[MOST_CELLS * MOST_CELLS] = {0};
        int list[MOST_CELLS * MOST_CELLS], count = 0;
        float loudness = 0;
        for (int i = 0; i < players->grid * players->grid; i++) {
            if (kind[i] != k) continue;
            int cell = cell_of(players, i / players->grid, i % players->grid);
            if (!sounds[cell]) list[count++] = cell;
            sounds[cell] = 1;
            if (amplitude[i] > loudness) loudness = amplitude[i];
        }
        for (int a = 0; a < count; a++) {
            float *row = together_of(players, k, list[a]);
            for (int b = 0; b < count; b++) row[list[b]] += loudness;
        }
    }
}

static double activity_of(const pp_cast_players *players, int kind, int cell)
{
    return together_of(players, kind, cell)[cell];
}

/* Marks the cells connected with `cell` (sides and corners) and sums them up. */
static island flood(const pp_cast_players *players, int kind, int cell, double least, int mark,
                    int8_t *marks)
{
    int list[MOST_CELLS * MOST_CELLS], count = 0;
    island found = {.mark = mark};
    marks[cell] = (int8_t)mark;
    list[count++] = cell;
    for (int next = 0; next < count; next++) {
        int row = list[next] / players->cells, column = list[next] % players->cells;
        double activity = activity_of(players, kind, list[next]);
        found.activity += activity;
        found.row += activity * row;
        found.column += activity * column;
        for (int r = row - 1; r <= row + 1; r++) {
            for (int c = column - 1; c <= column + 1; c++) {
                if (r < 0 || c < 0 || r >= players->cells || c >= players->cells) continue;
                int beside = r * players->cells + c;
                if (marks[beside] || activity_of(players, kind, beside) < least) continue;
                marks[beside] = (int8_t)mark;
                list[count++] = beside;
            }
        }
    }
    found.row /= found.activity;
    found.column /= found.activity;
    return found;
}

/* The loudness of windows in which both islands sound: at their best pair of cells. */
static double together(const pp_cast_players *players, int kind, const int8_t *marks, int a, int b)
{
    double most = 0;
    for (int i = 0; i < cell_count(players); i++) {
        if (marks[i] != a) continue;
        const float *row = together_of(players, kind, i);
        for (int j = 0; j < cell_count(players); j++) {
            if (marks[j] == b && row[j] > most) most = row[j];
        }
    }
    return most;
}

static int are_two_players(const pp_cast_players *players, int kind, const int8_t *marks,
                           const island *a, const island *b)
{
    double rows = a->row - b->row, columns = a->column - b->column;
    double apart = APART_SHARE * players->cells;
    if (rows * rows + columns * columns < apart * apart) return 0;
    double of_a = together(players, kind, marks, a->mark, a->mark);
    double of_b = together(players, kind, marks, b->mark, b->mark);
    double least = of_a < of_b ? of_a : of_b;
    return together(players, kind, marks, a->mark, b->mark) >= TOGETHER_SHARE * least;
}

/* Every cell goes to the player with the nearest marked cell. */
static void share_out(pp_cast_players *players, int kind, const int8_t *marks, const island *found,
                      int count, int first_source)
{
    int8_t *source = players->source + (int64_t)kind * cell_count(players);
    for (int i = 0; i < cell_count(players); i++) {
        int nearest = -1, best = 0;
        for (int j = 0; j < cell_count(players); j++) {
            int rows = i / players->cells - j / players->cells;
            int columns = i % players->cells - j % players->cells;
            int away = rows * rows + columns * columns;
            for (int p = 0; p < count; p++) {
                if (marks[j] != found[p].mark || (nearest >= 0 && away >= best)) continue;
                nearest = p, best = away;
            }
        }
        source[i] = (int8_t)(first_source + (nearest < 0 ? 0 : nearest));
    }
}

/* The islands of one kind that are players, the most active first; returns how many. */
static int find_players(const pp_cast_players *players, int kind, int most, int8_t *marks,
                        island *found)
{
    double all = 0, peak = 0;
    int marked = 0, count = 0;
    island islands[MOST_CELLS * MOST_CELLS];
    for (int i = 0; i < cell_count(players); i++) {
        double activity = activity_of(players, kind, i);
        all += activity;
        if (activity > peak) peak = activity;
    }
    if (!(peak > 0)) return 0;
    for (int i = 0; i < cell_count(players); i++) {
        if (marks[i] || activity_of(players, kind, i) < ACTIVE_SHARE * peak) continue;
        islands[marked] = flood(players, kind, i, ACTIVE_SHARE * peak, marked + 1, marks);
        marked++;
    }
    for (int taken = 0; taken < marked && count < most; taken++) {
        int best = -1;
        for (int i = 0; i < marked; i++) {
            if (islands[i].activity > 0 &&
                (best < 0 || islands[i].activity > islands[best].activity))
                best = i;
        }
        island next = islands[best];
        islands[best].activity = 0;
        if (next.activity < PLAYER_SHARE * all) break;
        int apart = 1;
        for (int p = 0; p < count; p++) {
            apart = apart && are_two_players(players, kind, marks, &found[p], &next);
        }
        if (apart) found[count++] = next;
    }
    return count;
}

static int sounds(const pp_cast_players *players, int kind)
{
    for (int i = 0; i < cell_count(players); i++) {
        if (activity_of(players, kind, i) > 0) return 1;
    }
    return 0;
}

int pp_cast_players_finish(pp_cast_players *players, int most)
{
    int sources = 0;
    for (int kind = 0; kind < players->kinds; kind++) {
        int8_t marks[MOST_CELLS * MOST_CELLS] = {0};
        island found[MOST_PLAYERS];
        int room = most - sources - (players->kinds - kind - 1);
        if (room > MOST_PLAYERS) room = MOST_PLAYERS;
        int count = find_players(players, kind, room, marks, found);
        share_out(players, kind, marks, found, count, sources);
        if (count == 0 && sounds(players, kind)) count = 1; /* spread too thin for islands */
        sources += count;
    }
    return sources;
}

int pp_cast_players_source(const pp_cast_players *players, int kind, int row, int column)
{
    return players->source[(int64_t)kind * cell_count(players) + cell_of(players, row, column)];
}
