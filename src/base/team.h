/* A few threads that share the items of one piece of work after another.
 *
 *   pp_team_run(team, task, user, count)    task(user, item, lane) for each item 0 .. count - 1
 *
 * The caller is lane 0 and works too; the others sleep between runs. Which lane gets an item
 * differs from run to run, so a lane chooses workspaces and never results. Everything that a task
 * wrote is seen by the caller once pp_team_run has returned.
 *
 * One caller at a time. A NULL team is a team of the caller alone.
 */
#ifndef PP_BASE_TEAM_H
#define PP_BASE_TEAM_H

#include "base/status.h"

typedef struct pp_team pp_team;
typedef void (*pp_team_task)(void *user, int item, int lane);

/* lanes: threads at work at a time, the caller counted; at least 1. */
pp_status pp_team_create(pp_team **out, int lanes, pp_error *err) PP_MUST_USE;
void pp_team_destroy(pp_team **team);
int pp_team_lanes(const pp_team *team);
void pp_team_run(pp_team *team, pp_team_task task, void *user, int count);

#endif
