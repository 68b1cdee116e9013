/* What the writer, the reader and the checker of archives share. Internal to src/store. */
#ifndef PP_STORE_ARCHIVE_INTERNAL_H
#define PP_STORE_ARCHIVE_INTERNAL_H

#include "store/archive.h"

#define PP_ARCHIVE_MAGIC "pixelplayer-archive"
#define PP_ARCHIVE_TEXTS 16
#define PP_ARCHIVE_SOUND_CHUNK 65536

struct pp_archive {
    pp_h5 *h5;
    pp_archive_header header;      /* its texts lie in `texts` */
    char *texts[PP_ARCHIVE_TEXTS]; /* owned */
    int text_count;
    /* While writing: samples of a track that go on where the last put ended wait here until they
     * fill a chunk. */
    float *waiting;
    int waiting_track;
    int64_t waiting_first, waiting_count;
    /* how much was put */
    int64_t frames, windows, maps;
    int64_t samples[PP_ARCHIVE_MOST_SOURCES + 2]; /* residual, mixture, stems */
    int has_sources, has_annotations;
};

typedef enum pp_archive_field_kind {
    PP_FIELD_TEXT, /* const char * */
    PP_FIELD_HEX,  /* char[PP_HASH_HEX] */
    PP_FIELD_REAL, /* double, at least 0 */
    PP_FIELD_I64,
    PP_FIELD_INT
} pp_archive_field_kind;

typedef struct pp_archive_field { /* a header field and its attribute of "/" */
    const char *name;
    pp_archive_field_kind kind;
    size_t offset;
    int64_t least, most; /* of whole numbers */
    int may_miss;        /* older archives are without it: zero, or empty */
} pp_archive_field;
const pp_archive_field *pp_archive_fields(int *count);

typedef struct pp_archive_set { /* a data set whose shape follows from the header */
    pp_h5_spec spec;
    int only_with_maps;
} pp_archive_set;
#define PP_ARCHIVE_SETS 16
/* The data sets of numbers, apart from the tracks. Returns how many of `sets` are filled. */
int pp_archive_sets(const pp_archive_header *header, pp_archive_set sets[PP_ARCHIVE_SETS]);
/* The spec of a track; path is lent room for its name. */
pp_h5_spec pp_archive_sound_spec(const pp_archive_header *header, int which, char path[32]);

extern const pp_h5_column pp_annotation_columns[6];

/* The two lists of texts: names and identifiers of the sources. */
pp_status pp_archive_put_labels(pp_archive *archive, const pp_archive_source *sources,
                                pp_error *err);

/* Copies a text into the archive; NULL: no memory. */
const char *pp_archive_keep_text(pp_archive *archive, char *owned);

#endif
