/* What the writer and the reader of the catalogue share. Internal to src/store. */
#ifndef PP_STORE_CATALOGUE_INTERNAL_H
#define PP_STORE_CATALOGUE_INTERNAL_H

#include <sqlite3.h>

#include "store/catalogue.h"

#define PP_CATALOGUE_VERSION 1 /* PRAGMA user_version */

/* Records SQLite's last words. status: what it is for us. Returns it. */
pp_status pp_catalogue_fail(sqlite3 *db, pp_error *err, pp_status status, const char *doing);
/* Runs statements without results. */
pp_status pp_catalogue_run(sqlite3 *db, const char *sql, pp_error *err);
/* SHA-256 over every row of every table: SQLite itself has no checksums. */
pp_status pp_catalogue_digest(sqlite3 *db, char hex[PP_HASH_HEX], pp_error *err);
/* Structure and digest of an open catalogue; PP_ERR_FORMAT where either is wrong. */
pp_status pp_catalogue_is_sound(sqlite3 *db, pp_error *err);
/* The key by which tables name an archive: 63 bits of its identity, from its name. */
int64_t pp_catalogue_content(const char *archive);

#endif
