#include "world.h"

#include <string.h>

static const pp_instrument_info instruments[PP_INSTRUMENTS] = {
    [PP_ACOUSTIC_GUITAR] =
        {"acoustic_guitar", PP_MANNER_PLUCKED, 40, 76, 0, 0, {24, 25}, 2, {24, 25}, 2},
    [PP_FLUTE] = {"flute", PP_MANNER_MELODY, 60, 93, 1, 25, {73}, 1, {73}, 1},
    [PP_VIOLIN] = {"violin", PP_MANNER_BOWED, 55, 93, 1, 35, {40, 110}, 2, {40}, 1},
    [PP_XYLOPHONE] = {"xylophone", PP_MANNER_MALLETS, 60, 96, 0, 0, {13}, 1, {13}, 1},
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
