/* pp export: what is in an archive as sound and picture files. Internal to tools/. */
#ifndef PP_TOOLS_EXPORT_H
#define PP_TOOLS_EXPORT_H

#include "base/json.h"
#include "store/archive.h"

typedef struct pp_export {
    int wav, flac, maps;
    int bits;        /* 16, 24 (FLAC), 32 (WAV); 0: 32 for WAV, 24 for FLAC */
    int map_windows; /* pictures of single windows; 0: of all */
    const char *out_folder;
    /* of the archive at hand */
    pp_archive *archive;
    const pp_archive_header *header;
    char **labels;  /* [sources] */
    char *folder;   /* where its files go */
    int quiet;      /* no listing: JSON comes at the end */
    pp_json *files; /* array, one object a file written */
    int64_t file_count;
} pp_export;

/* Tracks as files, `ending` "wav" or "flac": mixture, stems, residual. In 16 and 24 bits all are
 * integers of one scale and the residual is the mixture's minus the stems', so that they add up
 * exactly; the scale is below full scale only where a track would not fit. */
pp_status pp_export_sound(pp_export *job, const char *ending, int bits, pp_error *err);
/* Pictures: how loud each pixel is, over the frame, with the sources' boxes. */
pp_status pp_export_maps(pp_export *job, pp_error *err);

/* A temporary name for FOLDER/name with the same ending (encoders go by it); owned. */
char *pp_export_temporary(const char *path);
/* Renames what was written to its name, and lists it. `what` says what it is. */
pp_status pp_export_publish(pp_export *job, const char *temporary, const char *path,
                            const char *what, pp_error *err);
/* "00" or "00-violin": how files name a source; owned. */
char *pp_export_source_name(const pp_export *job, int source);

/* The colours of sources in pictures, and their names for the listing. */
typedef struct pp_export_colour {
    const char *name;
    uint8_t rgb[3];
} pp_export_colour;
const pp_export_colour *pp_export_colour_of(int source);

#endif
