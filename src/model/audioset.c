/* Names of instruments, and AudioSet's identifiers (Gemmeke et al., ICASSP 2017) of those that its
 * ontology has as a class. Bassoon, congas, erhu, guzheng, pipa and tuba it has not. */
#include <ctype.h>
#include <stddef.h>

#include "model/labeller.h"

static const struct {
    const char *name, *id;
} known[] = {
    {"accordion", "/m/0mkg"},  {"acoustic_guitar", "/m/042v_gx"},
    {"bagpipe", "/m/0192l"},   {"banjo", "/m/018j2"},
    {"cello", "/m/01xqw"},     {"clarinet", "/m/01wy6"},
    {"drum", "/m/026t6"},      {"electric_bass", "/m/018vs"}, /* "Bass guitar" */
    {"flute", "/m/0l14j_"},    {"piano", "/m/05r5c"},
    {"saxophone", "/m/06ncr"}, {"trumpet", "/m/07gql"},
    {"ukulele", "/m/07xzm"},   {"violin", "/m/07y_7"},
    {"xylophone", "/m/0dwsp"}, /* "Marimba, xylophone" */
};

static char letter(char c)
{
    return c == ' ' ? '_' : (char)tolower((unsigned char)c);
}

int pp_class_names_equal(const char *a, const char *b)
{
    while (*a != '\0' && letter(*a) == letter(*b)) a++, b++;
    return *a == '\0' && *b == '\0';
}

const char *pp_audioset_id(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (pp_class_names_equal(known[i].name, name)) return known[i].id;
    }
    return "";
}
