/* The command that shows a failure again. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/path.h"
#include "media/media.h"

/* One word for a shell, whatever bytes are in it: '...' or, where those are not printable, $'...'.
 */
static char *shell_word(const char *text)
{
    char *word = pp_alloc(4 * strlen(text) + 4, 1), *to = word;
    if (word == NULL) return NULL;
    int odd = 0;
    for (const char *c = text; *c != '\0'; c++) odd |= !isprint((unsigned char)*c);
    if (odd) *to++ = '$';
    *to++ = '\'';
    for (const char *c = text; *c != '\0'; c++) {
        if (!isprint((unsigned char)*c)) to += sprintf(to, "\\%03o", (unsigned char)*c);
        else if (odd && (*c == '\'' || *c == '\\')) to += sprintf(to, "\\%c", *c);
        else if (*c == '\'') to += sprintf(to, "'\\''");
        else *to++ = *c;
    }
    *to++ = '\'';
    *to = '\0';
    return word;
}

char *pp_media_reproducer(const char *path, const pp_media_options *options)
{
    char *folder = NULL, part[96] = "", track[40] = "";
    pp_error ignored = {0};
    char *word = shell_word(path);
    const char *program = "pp-decode";
    char *beside = NULL;
    if (pp_path_program_folder(&folder, &ignored) == PP_OK) {
        beside = pp_path_join(folder, "pp-decode");
        if (beside != NULL && pp_path_exists(beside)) program = beside;
    }
    if (options->audio_track >= 0) {
        snprintf(track, sizeof track, " --audio-track %d", options->audio_track);
    }
    if (options->start_s > 0 || options->end_s > 0) {
        snprintf(part, sizeof part, " --start %.9g --end %.9g", options->start_s, options->end_s);
    }
    char *line = word != NULL ? pp_format("%s --try %s%s%s", program, word, track, part) : NULL;
    pp_free(folder);
    pp_free(beside);
    pp_free(word);
    return line;
}
