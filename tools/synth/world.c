#include "world.h"

#include <string.h>

#define LIST(...) {__VA_ARGS__}, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int))

/* name, manner, lowest and highest key, sustains, vibrato, slide, nasal, programs, programs of the
 * test world. Erhu, pipa and guzheng are not in General MIDI: fiddle, shamisen and koto stand in.
 */
static const pp_instrument_info instruments[PP_INSTRUMENTS] = {
    {"accordion", PP_MANNER_KEYS, 41, 84, 1, 8, 0, 0, LIST(21, 21, 23), LIST(21)},
    {"acoustic_guitar", PP_MANNER_PLUCKED, 40, 76, 0, 0, 0, 0, LIST(24, 25), LIST(24, 25)},
    {"bagpipe", PP_MANNER_DRONE, 53, 77, 1, 0, 0, 0, LIST(109), LIST(109)},
    {"banjo", PP_MANNER_ROLL, 48, 79, 0, 0, 0, 0, LIST(105), LIST(105)},
    {"bassoon", PP_MANNER_MELODY, 34, 67, 1, 15, 0, 0, LIST(70), LIST(70)},
    {"cello", PP_MANNER_BOWED, 36, 72, 1, 35, 0.12f, 0, LIST(42), LIST(42)},
    {"clarinet", PP_MANNER_MELODY, 50, 86, 1, 6, 0, 0, LIST(71), LIST(71)},
    {"congas", PP_MANNER_CONGAS, 60, 64, 0, 0, 0, 0, LIST(128, 136), LIST(128)},
    {"drum", PP_MANNER_DRUMS, 36, 51, 0, 0, 0, 0, LIST(128, 128, 136, 144, 160), LIST(128, 160)},
    {"electric_bass", PP_MANNER_BASS, 28, 55, 0, 0, 0, 0, LIST(33, 33, 34, 35, 36), LIST(33, 34)},
    {"erhu", PP_MANNER_BOWED, 60, 86, 1, 60, 0.2f, 9, LIST(110, 40), LIST(110, 40)},
    {"flute", PP_MANNER_MELODY, 60, 93, 1, 25, 0, 0, LIST(73), LIST(73)},
    {"guzheng", PP_MANNER_ZITHER, 43, 84, 0, 30, 0.08f, 0, LIST(107), LIST(107)},
    {"piano", PP_MANNER_KEYS, 33, 88, 0, 0, 0, 0, LIST(0, 0, 1, 3), LIST(0, 1)},
    {"pipa", PP_MANNER_ZITHER, 45, 81, 0, 15, 0.05f, 3, LIST(106, 105), LIST(106)},
    {"saxophone", PP_MANNER_MELODY, 44, 80, 1, 28, 0.06f, 0, LIST(64, 65, 66, 67), LIST(65, 66)},
    {"trumpet", PP_MANNER_MELODY, 54, 84, 1, 18, 0, 0, LIST(56, 56, 56, 59), LIST(56)},
    {"tuba", PP_MANNER_MELODY, 29, 55, 1, 10, 0, 0, LIST(58), LIST(58)},
    {"ukulele", PP_MANNER_STRUMMED, 60, 84, 0, 0, 0, 0, LIST(24), LIST(24)},
    {"violin", PP_MANNER_BOWED, 55, 93, 1, 35, 0.1f, 0, LIST(40, 40, 110), LIST(40)},
    {"xylophone", PP_MANNER_MALLETS, 60, 96, 0, 0, 0, 0, LIST(13, 13, 12), LIST(13)},
};

const pp_instrument_info *pp_instrument_get(pp_instrument instrument)
{
    return &instruments[instrument];
}

int pp_instrument_by_name(const char *name)
{
    for (int i = 0; i < PP_INSTRUMENTS; i++) {
        if (strcmp(instruments[i].name, name) == 0) return i;
    }
    return -1;
}

static const char *const world_names[] = {"train", "validation", "test"};

const char *pp_world_name(pp_world world)
{
    return world_names[world];
}

int pp_world_by_name(const char *name)
{
    for (int i = 0; i < 3; i++) {
        if (strcmp(world_names[i], name) == 0) return i;
    }
    return -1;
}

int pp_world_variant(pp_world world, pp_random *random)
{
    int variant = pp_pick(random, PP_VARIANTS - 2); /* drawn in every world: streams stay alike */
    if (world == PP_WORLD_VALIDATION) return PP_VARIANTS - 2;
    if (world == PP_WORLD_TEST) return PP_VARIANTS - 1;
    return variant;
}

int pp_world_program(pp_world world, pp_instrument instrument, pp_random *random)
{
    const pp_instrument_info *info = &instruments[instrument];
    if (world == PP_WORLD_TEST) {
        return info->test_programs[pp_pick(random, info->test_program_count)];
    }
    return info->programs[pp_pick(random, info->program_count)];
}

pp_random pp_world_random(pp_world world, uint64_t seed, uint64_t item, pp_purpose purpose,
                          uint64_t part)
{
    pp_random random;
    uint64_t stream = ((item * PP_PURPOSES + (uint64_t)purpose) << 8) + part;
    pp_random_seed(&random, seed * 3 + (uint64_t)world, stream);
    return random;
}

float pp_between(pp_random *random, float low, float high)
{
    return low + (high - low) * (float)pp_random_uniform(random);
}

int pp_chance(pp_random *random, double probability)
{
    return pp_random_uniform(random) < probability;
}

int pp_pick(pp_random *random, int count)
{
    return (int)pp_random_below(random, (uint64_t)count);
}
