#include "base/ini.h"

#include <ini.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"

typedef struct entry {
    char *section, *key, *value;
    int asked;
} entry;

struct pp_ini {
    char *path;
    entry *entries;
    size_t count, capacity;
    int out_of_memory;
};

static int collect(void *user, const char *section, const char *key, const char *value)
{
    pp_ini *ini = user;
    pp_error err = {0};
    if (pp_grow((void **)&ini->entries, &ini->capacity, ini->count + 1, sizeof(entry), &err) !=
        PP_OK) {
        ini->out_of_memory = 1;
        return 0;
    }
    entry *added = &ini->entries[ini->count++];
    added->section = pp_strdup(section);
    added->key = pp_strdup(key);
    added->value = pp_strdup(value != NULL ? value : "");
    ini->out_of_memory = added->section == NULL || added->key == NULL || added->value == NULL;
    return !ini->out_of_memory;
}

/* inih cuts longer lines in two, and might take the second half for a key. */
enum { MOST_LINE = 198 };

static pp_status check_lines(FILE *file, const char *path, pp_error *err)
{
    int line = 1, length = 0;
    for (int c; (c = getc(file)) != EOF;) {
        length = c == '\n' ? 0 : length + 1;
        line += c == '\n';
        if (length <= MOST_LINE) continue;
        pp_fail(err, PP_ERR_USAGE, "%s:%d: a line of more than %d bytes", path, line, MOST_LINE);
        return pp_advise(err, "put long names into a list file and name that");
    }
    rewind(file);
    return PP_OK;
}

pp_status pp_ini_read(pp_ini **out, const char *path, pp_error *err)
{
    pp_ini *ini = pp_alloc(1, sizeof *ini);
    *out = ini;
    if (ini != NULL) ini->path = pp_strdup(path);
    if (ini == NULL || ini->path == NULL) {
        pp_ini_destroy(out);
        return pp_fail(err, PP_ERR_NOMEM, "no memory to read %s", path);
    }
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        pp_fail_errno(err, "cannot open the job file %s", path);
        pp_ini_destroy(out);
        return PP_ERR_NOT_FOUND;
    }
    pp_status checked = check_lines(file, path, err);
    int line = checked == PP_OK ? ini_parse_file(file, collect, ini) : 0;
    fclose(file);
    if (checked == PP_OK && line == 0) return PP_OK;
    if (checked != PP_OK) {
        pp_ini_destroy(out);
        return checked;
    }
    pp_status status =
        ini->out_of_memory
            ? pp_fail(err, PP_ERR_NOMEM, "no memory to read %s", path)
            : pp_fail(err, PP_ERR_USAGE, "%s:%d: neither [section], key = value nor ; comment",
                      path, line);
    pp_ini_destroy(out);
    return status;
}

void pp_ini_destroy(pp_ini **ini)
{
    if (ini == NULL || *ini == NULL) return;
    for (size_t i = 0; i < (*ini)->count; i++) {
        pp_free((*ini)->entries[i].section);
        pp_free((*ini)->entries[i].key);
        pp_free((*ini)->entries[i].value);
    }
    pp_free((*ini)->entries);
    pp_free((*ini)->path);
    PP_FREE(*ini);
}

const char *pp_ini_path(const pp_ini *ini)
{
    return ini->path;
}

static int matches(const entry *e, const char *section, const char *key)
{
    return strcasecmp(e->section, section) == 0 && strcasecmp(e->key, key) == 0;
}

const char *pp_ini_text(pp_ini *ini, const char *section, const char *key)
{
    const char *value = NULL;
    for (size_t i = 0; i < ini->count; i++) {
        if (!matches(&ini->entries[i], section, key)) continue;
        ini->entries[i].asked = 1;
        value = ini->entries[i].value;
    }
    return value;
}

const char *pp_ini_nth(pp_ini *ini, const char *section, const char *key, size_t index)
{
    for (size_t i = 0; i < ini->count; i++) {
        if (!matches(&ini->entries[i], section, key)) continue;
        ini->entries[i].asked = 1;
        if (index-- == 0) return ini->entries[i].value;
    }
    return NULL;
}

/* "file: [section] key", for the messages of the number readers. */
static void name_key(const pp_ini *ini, const char *section, const char *key, char *text,
                     size_t room)
{
    snprintf(text, room, "%s: [%s] %s", ini->path, section, key);
}

pp_status pp_ini_int(pp_ini *ini, const char *section, const char *key, long long least,
                     long long most, long long *value, pp_error *err)
{
    char what[512];
    const char *text = pp_ini_text(ini, section, key);
    if (text == NULL) return PP_OK;
    name_key(ini, section, key, what, sizeof what);
    int64_t number = 0;
    pp_status status = pp_text_to_int(&number, text, least, most, what, err);
    if (status == PP_OK) *value = number;
    return status;
}

pp_status pp_ini_real(pp_ini *ini, const char *section, const char *key, double least, double most,
                      double *value, pp_error *err)
{
    char what[512];
    const char *text = pp_ini_text(ini, section, key);
    if (text == NULL) return PP_OK;
    name_key(ini, section, key, what, sizeof what);
    return pp_text_to_real(value, text, least, most, what, err);
}

pp_status pp_ini_bool(pp_ini *ini, const char *section, const char *key, int *value, pp_error *err)
{
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};
    const char *text = pp_ini_text(ini, section, key);
    if (text == NULL) return PP_OK;
    for (int i = 0; i < 4; i++) {
        if (strcasecmp(text, yes[i]) != 0 && strcasecmp(text, no[i]) != 0) continue;
        *value = strcasecmp(text, yes[i]) == 0;
        return PP_OK;
    }
    return pp_fail(err, PP_ERR_USAGE, "%s: [%s] %s: '%s' is neither yes nor no", ini->path, section,
                   key, text);
}

pp_status pp_ini_refuse_unknown(const pp_ini *ini, pp_error *err)
{
    for (size_t i = 0; i < ini->count; i++) {
        const entry *e = &ini->entries[i];
        if (e->asked) continue;
        return pp_fail(err, PP_ERR_USAGE, "%s: [%s] has no key named '%s'", ini->path, e->section,
                       e->key);
    }
    return PP_OK;
}
