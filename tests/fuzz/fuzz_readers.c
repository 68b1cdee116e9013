/* Random damage against the file readers: bytes flipped, overwritten, cut off, moved. Each damaged
 * file is read in a process of its own, which may refuse it but not crash, hang or eat the memory.
 *
 *   fuzz_readers [ROUNDS [SEED [READER]]]       (make fuzz; ROUNDS of each reader, 300)
 *
 * A file that breaks a reader is kept as fuzz-READER-SEED.bin. Exit status 1 if any did. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/small_archive.h"
#include "base/csv.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "model/checkpoint.h"
#include "model/file.h"
#include "model/init.h"
#include "store/corpus.h"

enum { SECONDS = 20 };

typedef struct bytes {
    char *at;
    size_t length;
} bytes;

/* ---- readers --------------------------------------------------------------------------------- */

static void make_archive(const char *folder, bytes *out, pp_error *err)
{
    small_archive shape = {.samples = 20000,
                           .frames = 4,
                           .windows = 3,
                           .sources = 2,
                           .components = 8,
                           .with_maps = 1,
                           .seed = 1};
    char *path = pp_path_join(folder, "archive.h5");
    if (small_archive_write(&shape, pp_fileops_system(), path, err) == PP_OK) {
        if (pp_text_read_file(&out->at, &out->length, path, 1 << 26, err) != PP_OK) out->at = NULL;
    }
    pp_free(path);
}

static pp_status read_archive(const bytes *in, pp_error *err)
{
    pp_archive *archive;
    pp_archive_verdict verdict;
    pp_status status = pp_archive_open_memory(&archive, in->at, in->length, "archive", err);
    if (status == PP_OK) status = pp_archive_verify(archive, &verdict, err);
    pp_archive_close(&archive);
    return status;
}

static void make_corpus(const char *folder, bytes *out, pp_error *err)
{
    pp_corpus_row rows[40] = {0};
    for (int i = 0; i < 40; i++) {
        rows[i].source_path = "/videos/a duet.mp4";
        rows[i].source_id = "id";
        rows[i].archive = i % 2 ? "archives/00/one-0123456789abcdef.h5" : "archives/00/two.h5";
        rows[i].duration_s = i;
    }
    char *path = pp_path_join(folder, "corpus.h5");
    if (pp_corpus_write(pp_fileops_system(), folder, rows, 40, err) == PP_OK) {
        if (pp_text_read_file(&out->at, &out->length, path, 1 << 26, err) != PP_OK) out->at = NULL;
    }
    pp_free(path);
}

static pp_status read_h5(const bytes *in, pp_error *err)
{
    pp_h5 *file;
    char **names;
    int64_t count;
    pp_status status = pp_h5_open_memory(&file, in->at, in->length, "file", err);
    if (status != PP_OK) return status;
    status = pp_h5_list(file, "/archives", &names, &count, err);
    pp_h5_free_texts(&names, count);
    if (status == PP_OK) status = pp_h5_take_texts(file, "/corpus/archive", &names, &count, err);
    if (status == PP_OK) pp_h5_free_texts(&names, count);
    pp_h5_close(&file);
    return status;
}

static void make_model(const char *folder, bytes *out, pp_error *err)
{
    pp_model_file file = {0};
    char *path = pp_path_join(folder, "model.h5");
    pp_model_file_defaults(&file);
    file.shape.picture_size = 64;
    const pp_model_options options = {.seed = 5,
                                      .base_width = 2,
                                      .levels = 3,
                                      .components = 3,
                                      .trunk_width = 2,
                                      .trunk_blocks = 1};
    if (pp_model_file_init(&file, &options, err) == PP_OK &&
        pp_labeller_make(&file.labeller, 2, 4, err) == PP_OK) {
        strcpy(file.labeller.names[0], "violin");
        strcpy(file.labeller.names[1], "cello");
    }
    if (err->status == PP_OK &&
        pp_model_file_write(&file, pp_fileops_system(), path, err) == PP_OK) {
        if (pp_text_read_file(&out->at, &out->length, path, 1 << 26, err) != PP_OK) out->at = NULL;
    }
    pp_model_file_clear(&file);
    pp_free(path);
}

static pp_status read_model(const bytes *in, pp_error *err)
{
    pp_h5 *h5;
    pp_model_file file = {0};
    pp_status status = pp_h5_open_memory(&h5, in->at, in->length, "model", err);
    if (status == PP_OK) status = pp_model_file_read(&file, h5, 1, err);
    pp_model_file_clear(&file);
    pp_h5_close(&h5);
    return status;
}

/* Checkpoints of the tests' own data, run from the top of the tree. */
static void make_checkpoint(const char *name, bytes *out, pp_error *err)
{
    const char *root = getenv("PP_ROOT");
    char *path = pp_format("%s/tests/data/%s", root != NULL ? root : ".", name);
    if (pp_text_read_file(&out->at, &out->length, path, 1 << 26, err) != PP_OK) out->at = NULL;
    pp_free(path);
}

static void make_legacy(const char *folder, bytes *out, pp_error *err)
{
    (void)folder;
    make_checkpoint("network-sound-legacy.pth", out, err);
}

static void make_zip(const char *folder, bytes *out, pp_error *err)
{
    (void)folder;
    make_checkpoint("network-sound-zip.pth", out, err);
}

static pp_status read_checkpoint(const bytes *in, pp_error *err)
{
    pp_tensors tensors = {0};
    pp_status status = pp_checkpoint_parse(&tensors, in->at, in->length, "checkpoint", err);
    pp_tensors_clear(&tensors);
    return status;
}

static void make_json(const char *folder, bytes *out, pp_error *err)
{
    (void)folder;
    (void)err;
    out->at =
        pp_strdup("{\"format\": \"pixelplayer-status\", \"version\": 1, \"list\": [1, 2.5e-3, "
                  "{\"path\": \"caf\\u00e9\", \"hex\": \"ff\"}, null, true, []], \"s\": 75}");
    out->length = out->at != NULL ? strlen(out->at) : 0;
}

static pp_status read_json(const bytes *in, pp_error *err)
{
    pp_json *json;
    pp_status status = pp_json_parse(&json, in->at, in->length, "json", err);
    if (status != PP_OK) return status;
    char *text = pp_json_dump(json, 2);
    pp_free(text);
    pp_json_free(&json);
    return PP_OK;
}

static void make_csv(const char *folder, bytes *out, pp_error *err)
{
    (void)folder;
    (void)err;
    out->at =
        pp_strdup("id,path,start,end,split,labels\r\n1,\"a, \"\"b\"\".mp4\",0,10,train,cello\r\n"
                  "2,c.mp4,,,test,\"flute\nviolin\"\r\n");
    out->length = out->at != NULL ? strlen(out->at) : 0;
}

static pp_status read_csv(const bytes *in, pp_error *err)
{
    pp_csv *csv;
    pp_status status = pp_csv_parse(&csv, in->at, in->length, "csv", 1, err);
    if (status != PP_OK) return status;
    size_t length = 0;
    for (size_t row = 0; row < pp_csv_rows(csv); row++) {
        for (int column = -1; column < 8; column++) length += strlen(pp_csv_cell(csv, row, column));
    }
    pp_csv_destroy(&csv);
    return length > 0 ? PP_OK : PP_ERR_FORMAT;
}

static const struct reader {
    const char *name;
    void (*make)(const char *folder, bytes *out, pp_error *err);
    pp_status (*read)(const bytes *in, pp_error *err);
} readers[] = {
    {"archive", make_archive, read_archive},
    {"corpus", make_corpus, read_h5},
    {"model", make_model, read_model},
    {"legacy", make_legacy, read_checkpoint},
    {"zip", make_zip, read_checkpoint},
    {"json", make_json, read_json},
    {"csv", make_csv, read_csv},
};

/* ---- damage ---------------------------------------------------------------------------------- */

static unsigned next(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static size_t place(unsigned *state, size_t length)
{
    return ((size_t)next(state) << 20 ^ next(state)) % length;
}

static void damage(bytes *file, unsigned seed)
{
    static const unsigned char telling[] = {0, 1, 0x7f, 0x80, 0xff};
    unsigned state = seed;
    for (unsigned times = 1 + next(&state) % 8; times > 0; times--) {
        size_t at = place(&state, file->length), left = file->length - at;
        switch (next(&state) % 6) {
        case 0:
            file->at[at] = (char)(file->at[at] ^ 1 << next(&state) % 8);
            break;
        case 1:
            file->at[at] = (char)next(&state);
            break;
        case 2:
            memset(file->at + at, telling[next(&state) % sizeof telling], left < 8 ? left : 8);
            break;
        case 3: /* a piece of the file elsewhere */
            memmove(file->at + at, file->at + place(&state, file->length - left / 2),
                    left / 2 < 64 ? left / 2 : 64);
            break;
        case 4: /* damage at the start, where most of the structure is */
            at = place(&state, file->length < 4096 ? file->length : 4096);
            file->at[at] = (char)next(&state);
            break;
        default:
            if (next(&state) % 4 == 0 && at > 0) file->length = at;
            break;
        }
    }
}

/* 1 where the reader broke. */
static int try_one(const struct reader *reader, const bytes *whole, unsigned seed, int *refused)
{
    bytes file = {pp_alloc(whole->length, 1), whole->length};
    if (file.at == NULL) return 0;
    memcpy(file.at, whole->at, whole->length);
    damage(&file, seed);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        pp_error err = {0};
        alarm(SECONDS);
#ifndef __SANITIZE_ADDRESS__
        struct rlimit limit = {(rlim_t)4 << 30, (rlim_t)4 << 30};
        setrlimit(RLIMIT_AS, &limit);
#endif
        _exit(reader->read(&file, &err) == PP_OK ? 0 : 1);
    }
    int status = 0;
    int broke = child < 0 || waitpid(child, &status, 0) != child || WIFSIGNALED(status) ||
                WEXITSTATUS(status) > 1;
    *refused += !broke && WEXITSTATUS(status) == 1;
    if (broke) {
        char name[128];
        snprintf(name, sizeof name, "fuzz-%s-%u.bin", reader->name, seed);
        FILE *kept = fopen(name, "wb");
        if (kept != NULL) fwrite(file.at, 1, file.length, kept);
        if (kept != NULL) fclose(kept);
        printf("%s: seed %u: %s: kept as %s\n", reader->name, seed,
               WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "died", name);
    }
    pp_free(file.at);
    return broke;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 300, broken = 0;
    unsigned seed = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
    char folder[] = "/tmp/pp-fuzz.XXXXXX";
    if (mkdtemp(folder) == NULL) return 1;
    for (size_t r = 0; r < sizeof readers / sizeof *readers; r++) {
        if (argc > 3 && strcmp(argv[3], readers[r].name) != 0) continue;
        bytes whole = {NULL, 0};
        pp_error err = {0};
        readers[r].make(folder, &whole, &err);
        if (whole.at == NULL || readers[r].read(&whole, &err) != PP_OK) {
            printf("%s: the undamaged file is not read: %s\n", readers[r].name, err.message);
            return 1;
        }
        int refused = 0, broke = 0;
        for (int i = 0; i < rounds; i++) {
            broke += try_one(&readers[r], &whole, seed + (unsigned)i, &refused);
        }
        printf("%s: %d damaged files of %zu bytes: %d refused, %d read, %d broke the reader\n",
               readers[r].name, rounds, whole.length, refused, rounds - refused - broke, broke);
        broken += broke;
        pp_free(whole.at);
    }
    char *command = pp_format("rm -rf '%s'", folder);
    if (command != NULL && system(command) != 0) perror(folder);
    pp_free(command);
    return broken > 0 ? 1 : 0;
}
