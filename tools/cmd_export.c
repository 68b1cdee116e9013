/* pp export: stems, residual and mixture as sound files, pixel-sound maps as pictures. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "export.h"
#include "pp.h"
#include "store/commit.h"

static const char usage_text[] =
    "usage: pp export [--wav|--flac] [--bits 16|24|32] [--maps] [-o DIR] ARCHIVE...\n"
    "\n"
    "Writes what is in each archive into DIR/<name of the archive>/:\n"
    "  mixture, stem-NN[-LABEL] and residual as sound (--wav is the default)\n"
    "  map-overview.png and map-<window>.png with --maps: how loud each pixel is, as a glow over\n"
    "  the picture; dots and boxes in the colours of the sources\n"
    "\n"
    "      --wav, --flac     the kind of sound file\n"
    "      --bits B          WAV: 32 (float, the default) or 16; FLAC: 24 (default) or 16.\n"
    "                        In 16 and 24 bits stems and residual add up to the mixture exactly\n"
    "      --maps            pictures; without --wav or --flac only these\n"
    "      --map-windows N   pictures of N windows, evenly spread; 0: of all (12)\n"
    "  -o, --out DIR         where to write (.)\n"
    "      --json            the list of files as JSON\n";

enum { OPT_BITS = 256, OPT_MAP_WINDOWS, OPT_WAV, OPT_FLAC, OPT_MAPS, OPT_JSON };

static const struct option long_options[] = {
    {"wav", no_argument, NULL, OPT_WAV},
    {"flac", no_argument, NULL, OPT_FLAC},
    {"bits", required_argument, NULL, OPT_BITS},
    {"maps", no_argument, NULL, OPT_MAPS},
    {"map-windows", required_argument, NULL, OPT_MAP_WINDOWS},
    {"out", required_argument, NULL, 'o'},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static pp_status whole(int *to, const char *name, int least, int most, pp_error *err)
{
    int64_t value = 0;
    pp_status status = pp_text_to_int(&value, optarg, least, most, name, err);
    *to = (int)value;
    return status;
}

static pp_status check_options(const pp_export *job, pp_error *err)
{
    int wrong = (job->wav && job->bits != 0 && job->bits != 16 && job->bits != 32) ||
                (job->flac && job->bits != 0 && job->bits != 16 && job->bits != 24);
    if (!wrong) return PP_OK;
    return pp_fail(err, PP_ERR_USAGE,
                   "--bits %d: WAV files are written with 16 or 32 bits, FLAC files with 16 or 24",
                   job->bits);
}

/* -1: go on; otherwise the exit status. */
static int parse(pp_export *job, int argc, char **argv)
{
    pp_error err = {0};
    pp_status status = PP_OK;
    for (int c;
         status == PP_OK && (c = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1;) {
        if (c == OPT_WAV) job->wav = 1;
        else if (c == OPT_FLAC) job->flac = 1;
        else if (c == OPT_MAPS) job->maps = 1;
        else if (c == OPT_JSON) job->quiet = 1;
        else if (c == 'o') job->out_folder = optarg;
        else if (c == OPT_BITS) status = whole(&job->bits, "--bits", 16, 32, &err);
        else if (c == OPT_MAP_WINDOWS) {
            status = whole(&job->map_windows, "--map-windows", 0, 1000000, &err);
        } else {
            fputs(usage_text, c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 2;
        }
    }
    if (status == PP_OK) status = check_options(job, &err);
    if (status != PP_OK) {
        pp_log_failure(PP_LOG_ERROR, "pp export", &err);
        return 2;
    }
    if (!job->wav && !job->flac && !job->maps) job->wav = 1;
    if (optind < argc) return -1;
    fputs(usage_text, stderr);
    return 2;
}

/* ---- for the exporters ---------------------------------------------------------------------- */

char *pp_export_temporary(const char *path)
{
    char *temporary = pp_commit_temporary(path);
    const char *ending = strrchr(path, '.');
    char *ended = temporary != NULL ? pp_format("%s%s", temporary, ending) : NULL;
    pp_free(temporary);
    return ended;
}

pp_status pp_export_publish(pp_export *job, const char *temporary, const char *path,
                            const char *what, pp_error *err)
{
    pp_status status = pp_commit_rename(pp_fileops_system(), temporary, path, err);
    if (status != PP_OK) return status;
    struct stat info = {0};
    stat(path, &info);
    char bytes[32];
    pp_text_bytes((uint64_t)info.st_size, bytes, sizeof bytes);
    if (!job->quiet) printf("  %-28s %10s  %s\n", pp_path_name(path), bytes, what);
    pp_json *file = pp_json_object();
    pp_json_set_path(file, "path", path);
    pp_json_set_text(file, "what", what);
    pp_json_set_int(file, "bytes", info.st_size);
    pp_json_append(job->files, file);
    job->file_count++;
    return PP_OK;
}

char *pp_export_source_name(const pp_export *job, int source)
{
    const char *label = job->labels[source];
    char *safe = label[0] != '\0' ? pp_path_safe_name(label, 40) : NULL;
    char *name = safe != NULL ? pp_format("%02d-%s", source, safe) : pp_format("%02d", source);
    pp_free(safe);
    return name;
}

/* ---- one archive ---------------------------------------------------------------------------- */

/* DIR/<the archive's name without its ending>, made. */
static pp_status make_folder(pp_export *job, const char *archive, pp_error *err)
{
    const char *name = pp_path_name(archive);
    size_t length = strlen(name);
    if (pp_text_ends_with(name, ".h5")) length -= 3;
    job->folder = pp_format("%s/%.*s", job->out_folder, (int)length, name);
    if (job->folder == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    return pp_path_make_folders(job->folder, err);
}

static void list_sources(const pp_export *job)
{
    const pp_archive_header *header = job->header;
    printf("%s: %d source%s, %.1f s, into %s/%s\n", header->source_path, header->sources,
           header->sources == 1 ? "" : "s", header->duration_s, job->folder,
           header->untrained ? " (untrained model: what follows separates nothing)" : "");
    for (int s = 0; job->maps && s < header->sources; s++) {
        const char *label = job->labels[s];
        printf("  source %02d%s%s is %s in the pictures\n", s, label[0] != '\0' ? " " : "", label,
               pp_export_colour_of(s)->name);
    }
}

static pp_status export_archive(pp_export *job, const char *path, pp_error *err)
{
    int64_t labels = 0;
    pp_status status = pp_archive_open(&job->archive, pp_fileops_system(), path, err);
    if (status == PP_OK) {
        job->header = pp_archive_get_header(job->archive);
        status = pp_h5_take_texts(pp_archive_h5(job->archive), "/sources/label", &job->labels,
                                  &labels, err);
    }
    if (status == PP_OK && labels != job->header->sources) {
        status = pp_fail(err, PP_ERR_FORMAT, "%s: /sources/label does not name every source", path);
    }
    if (status == PP_OK) status = make_folder(job, path, err);
    if (status == PP_OK && !job->quiet) list_sources(job);
    if (status == PP_OK && job->wav) {
        status = pp_export_sound(job, "wav", job->bits != 0 ? job->bits : 32, err);
    }
    if (status == PP_OK && job->flac) {
        status = pp_export_sound(job, "flac", job->bits != 0 ? job->bits : 24, err);
    }
    if (status == PP_OK && job->maps) status = pp_export_maps(job, err);
    pp_h5_free_texts(&job->labels, labels);
    pp_archive_close(&job->archive);
    PP_FREE(job->folder);
    return status;
}

static int run_export(int argc, char **argv)
{
    pp_export job = {.out_folder = ".", .map_windows = 12};
    int code = parse(&job, argc, argv);
    if (code >= 0) return code;
    int failed = 0;
    job.files = pp_json_array();
    for (int i = optind; i < argc; i++) {
        pp_error err = {0};
        if (export_archive(&job, argv[i], &err) == PP_OK) continue;
        pp_log_failure(PP_LOG_ERROR, "pp export", &err);
        failed++;
    }
    char *text = job.quiet ? pp_json_dump(job.files, 2) : NULL;
    if (text != NULL) puts(text);
    if (!job.quiet) {
        printf("%lld files in %s%s\n", (long long)job.file_count, job.out_folder,
               failed > 0 ? "; some archives could not be exported" : "");
    }
    pp_free(text);
    pp_json_free(&job.files);
    return failed > 0 ? 1 : 0;
}

const pp_verb pp_verb_export = {"export", "stems as WAV or FLAC, pixel-sound maps as PNG",
                                run_export};
