#include "world.h"

#include <string.h>

#define ONE(program) {program}, 1
#define TWO(a, b) {a, b}, 2
#define THREE(a, b, c) {a, b, c}, 3

/* name, manner, lowest and highest key, sustains, vibrato, programs, programs of the test world */
static const pp_instrument_info instruments[PP_INSTRUMENTS] = {
    {"accordion", PP_MANNER_KEYS, 41, 84, 1, 8, TWO(21, 23), ONE(21)},
    {"acoustic_guitar", PP_MANNER_PLUCKED, 40, 76, 0, 0, TWO(24, 25), TWO(24, 25)},
    {"banjo", PP_MANNER_ROLL, 48, 79, 0, 0, ONE(105), ONE(105)},
    {"bassoon", PP_MANNER_MELODY, 34, 67, 1, 15, ONE(70), ONE(70)},
    {"cello", PP_MANNER_BOWED, 36, 72, 1, 35, ONE(42), ONE(42)},
    {"clarinet", PP_MANNER_MELODY, 50, 86, 1, 6, ONE(71), ONE(71)},
    {"drum", PP_MANNER_DRUMS, 36, 51, 0, 0, THREE(128, 136, 160), TWO(128, 144)},
    {"electric_bass", PP_MANNER_BASS, 28, 55, 0, 0, THREE(33, 34, 35), TWO(33, 34)},
    {"flute", PP_MANNER_MELODY, 60, 93, 1, 25, ONE(73), ONE(73)},
    {"piano", PP_MANNER_KEYS, 33, 88, 0, 0, TWO(0, 1), ONE(0)},
    {"saxophone", PP_MANNER_MELODY, 44, 80, 1, 28, THREE(64, 65, 66), TWO(65, 66)},
    {"trumpet", PP_MANNER_MELODY, 54, 84, 1, 18, ONE(56), ONE(56)},
    {"tuba", PP_MANNER_MELODY, 29, 55, 1, 10, ONE(58), ONE(58)},
    {"violin", PP_MANNER_BOWED, 55, 93, 1, 35, TWO(40, 110), ONE(40)},
    {"xylophone", PP_MANNER_MALLETS, 60, 96, 0, 0, TWO(13, 12), ONE(13)},
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
