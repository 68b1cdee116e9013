/* Leftovers of leases that ended after their video did: removed when nobody works any more. */
#ifndef PP_CLUSTER_SHARDS_H
#define PP_CLUSTER_SHARDS_H

/* Removes OUT/shards/<first 16 digits of identity> and the files in it. Never fails: what cannot
 * be removed is only in the way. */
void pp_shards_sweep(const char *out_folder, const char *identity);

#endif
