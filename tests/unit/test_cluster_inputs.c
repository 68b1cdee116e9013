/* cluster: what a job works on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/path.h"
#include "cluster/inputs.h"

typedef struct corner { /* a folder of its own, and a list read from it */
    char folder[64];
    pp_inputs inputs;
    pp_error err;
} corner;

static void begin(corner *c)
{
    *c = (corner){.folder = "/tmp/pp-inputs-XXXXXX", .inputs = {.audio_track = -1}};
    assert_non_null(mkdtemp(c->folder));
}

static void end(corner *c)
{
    char *command = pp_format("rm -rf '%s'", c->folder);
    assert_int_equal(system(command), 0);
    pp_free(command);
    pp_inputs_free(&c->inputs);
}

static void put(const corner *c, const char *name, const char *text, size_t length)
{
    char *path = pp_path_join(c->folder, name), *folder = pp_path_folder(path);
    pp_error err = {0};
    assert_int_equal(pp_path_make_folders(folder, &err), PP_OK);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    pp_free(path);
    pp_free(folder);
}

static void touch(const corner *c, const char *name)
{
    put(c, name, "video", 5);
}

static void add(corner *c, const char *argument)
{
    assert_int_equal(pp_inputs_add(&c->inputs, argument, c->folder, &c->err), PP_OK);
}

/* Entry i is this file, below the folder of the test. */
static const pp_input *is(const corner *c, size_t i, const char *name)
{
    assert_true(i < c->inputs.count);
    const pp_input *input = &c->inputs.items[i];
    char *path = pp_path_join(c->folder, name);
    assert_string_equal(input->path, path);
    pp_free(path);
    return input;
}

static void is_problem(const corner *c, size_t i, pp_status status, const char *words)
{
    assert_true(i < c->inputs.count);
    const pp_error *problem = c->inputs.items[i].problem;
    assert_non_null(problem);
    assert_int_equal(problem->status, status);
    if (strstr(problem->message, words) == NULL) fail_msg("%s", problem->message);
    assert_true(problem->advice[0] != '\0');
}

static void folders_are_searched_in_order(void **state)
{
    (void)state;
    corner c;
    begin(&c);
    touch(&c, "v/b.mp4");
    touch(&c, "v/a.MKV");
    touch(&c, "v/notes.doc");
    touch(&c, "v/.hidden.mp4");
    touch(&c, "v/sub/c.webm");
    touch(&c, "v/Z.mov");
    char *target = pp_path_join(c.folder, "v"), *link = pp_path_join(c.folder, "v/sub/loop");
    assert_int_equal(symlink(target, link), 0);
    add(&c, "v/.//");
    assert_int_equal(c.inputs.count, 4);
    is(&c, 0, "v/Z.mov");
    is(&c, 1, "v/a.MKV");
    assert_int_equal(is(&c, 2, "v/b.mp4")->size_bytes, 5);
    is(&c, 3, "v/sub/c.webm");
    pp_free(target);
    pp_free(link);
    end(&c);
}

/* Sounds are looked for only where they will do. */
static void folders_may_be_searched_for_sounds(void **state)
{
    (void)state;
    corner c;
    begin(&c);
    touch(&c, "v/a.mp4");
    touch(&c, "v/b.WAV");
    touch(&c, "v/notes.doc");
    add(&c, "v");
    assert_int_equal(c.inputs.count, 1);
    c.inputs.with_sounds = 1;
    add(&c, "v");
    assert_int_equal(c.inputs.count, 3);
    is(&c, 2, "v/b.WAV");
    end(&c);
}

static void what_cannot_be_used_keeps_its_reason(void **state)
{
    (void)state;
    corner c;
    begin(&c);
    touch(&c, "empty/readme.md");
    touch(&c, "good.bin");
    put(&c, "no.txt", "\n\n", 2);
    char *pipe_name = pp_path_join(c.folder, "pipe.mp4");
    assert_int_equal(mkfifo(pipe_name, 0600), 0);
    add(&c, "not-there.mp4");
    add(&c, "empty");
    add(&c, "pipe.mp4");
    add(&c, "no.txt");
    add(&c, "good.bin");
    assert_int_equal(c.inputs.count, 5);
    is_problem(&c, 0, PP_ERR_NOT_FOUND, "not-there.mp4");
    is_problem(&c, 1, PP_ERR_NOT_FOUND, "no videos in the folder");
    is_problem(&c, 2, PP_ERR_USAGE, "neither a file nor a folder");
    is_problem(&c, 3, PP_ERR_NOT_FOUND, "no videos are named");
    assert_null(is(&c, 4, "good.bin")->problem);
    pp_free(pipe_name);
    end(&c);
}

static void lists_have_lines_or_nuls(void **state)
{
    (void)state;
    corner c;
    begin(&c);
    touch(&c, "l/a b.mp4");
    touch(&c, "l/new\nline \"x\" \xff.mp4");
    put(&c, "l/lines.txt", "a b.mp4\r\n\nmissing.mp4\n", 22);
    const char nuls[] = "a b.mp4\0new\nline \"x\" \xff.mp4";
    put(&c, "l/nuls.lst", nuls, sizeof nuls - 1);
    add(&c, "l/lines.txt");
    assert_int_equal(c.inputs.count, 2);
    assert_null(is(&c, 0, "l/a b.mp4")->problem);
    is_problem(&c, 1, PP_ERR_NOT_FOUND, "missing.mp4");
    add(&c, "l/nuls.lst");
    assert_int_equal(c.inputs.count, 4);
    assert_null(is(&c, 3, "l/new\nline \"x\" \xff.mp4")->problem);
    assert_int_equal(pp_inputs_settle(&c.inputs, &c.err), PP_OK);
    assert_int_equal(c.inputs.count, 3); /* "a b.mp4" stood in both */
    end(&c);
}

static void manifests_carry_ids_parts_and_labels(void **state)
{
    (void)state;
    corner c;
    begin(&c);
    touch(&c, "m/x.mp4");
    touch(&c, "m/y, \"z\".mp4");
    const char *text = "\xef\xbb\xbflabels,path,extra,id,start,end,track,split\r\n"
                       "\"violin, flute\",x.mp4,?,one,1:30,0:02:00.5,,train\r\n"
                       "\r\n"
                       "\"line\nbreak\",\"y, \"\"z\"\".mp4\",,two,,,2,val\n"
                       ",x.mp4,,three,9,3,,\n"
                       ",x.mp4,,four,soon,,,\n"
                       ",,,five,,,,\n"
                       ",x.mp4,,one,,,,\n"
                       ",x.mp4";
    put(&c, "m/list.csv", text, strlen(text));
    add(&c, "m/list.csv");
    assert_int_equal(pp_inputs_settle(&c.inputs, &c.err), PP_OK);
    assert_int_equal(c.inputs.count, 7);
    const pp_input *one = is(&c, 0, "m/x.mp4"), *two = is(&c, 1, "m/y, \"z\".mp4");
    assert_string_equal(one->id, "one");
    assert_string_equal(one->labels, "violin, flute");
    assert_string_equal(one->split, "train");
    assert_true(one->start_s == 90 && one->end_s == 120.5 && one->audio_track == -1);
    assert_string_equal(two->labels, "line\nbreak");
    assert_int_equal(two->audio_track, 2);
    is_problem(&c, 2, PP_ERR_USAGE, "list.csv, line 6: end (3 s) is not behind start (9 s)");
    is_problem(&c, 3, PP_ERR_USAGE, "line 7: start");
    is_problem(&c, 4, PP_ERR_USAGE, "line 8: there is no path");
    is_problem(&c, 5, PP_ERR_USAGE, "the id 'one' stands for two things");
    assert_null(is(&c, 6, "m/x.mp4")->problem);
    end(&c);
}

static void a_manifest_needs_its_header(void **state)
{
    (void)state;
    corner c;
    begin(&c);
    put(&c, "m.csv", "x.mp4,1,2\n", 10);
    put(&c, "n.csv", "id,path\n", 8);
    put(&c, "open.csv", "id,path\n1,\"half", 15);
    add(&c, "m.csv");
    is_problem(&c, 0, PP_ERR_USAGE, "no column 'path'");
    add(&c, "n.csv");
    is_problem(&c, 1, PP_ERR_NOT_FOUND, "no videos are named");
    add(&c, "open.csv");
    assert_int_equal(c.inputs.count, 3); /* an open quote: the whole file is a riddle */
    assert_non_null(c.inputs.items[2].problem);
    end(&c);
}

static void names_of_255_bytes(void **state)
{
    (void)state;
    corner c;
    begin(&c);
    char name[256];
    memset(name, 'n', 255);
    memcpy(name + 251, ".mp4", 5);
    touch(&c, name);
    add(&c, ".");
    assert_int_equal(c.inputs.count, 1);
    is(&c, 0, name);
    char key[17], other[17];
    pp_input_key(&c.inputs.items[0], key);
    assert_int_equal(strlen(key), 16);
    c.inputs.items[0].start_s = 1;
    pp_input_key(&c.inputs.items[0], other);
    assert_string_not_equal(key, other);
    end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_searched_in_order),
        cmocka_unit_test(folders_may_be_searched_for_sounds),
        cmocka_unit_test(what_cannot_be_used_keeps_its_reason),
        cmocka_unit_test(lists_have_lines_or_nuls),
        cmocka_unit_test(manifests_carry_ids_parts_and_labels),
        cmocka_unit_test(a_manifest_needs_its_header),
        cmocka_unit_test(names_of_255_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
