/* pp synth: small music videos with known truth. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/path.h"
#include "base/text.h"
#include "pp.h"
#include "synth/corpus.h"

#define MOST_FONTS 8

static const char usage_text[] =
    "usage: pp synth -o DIR --count N [OPTIONS]\n"
    "\n"
    "Makes music videos whose truth is known: drawn performers move with the notes that\n"
    "FluidSynth plays. Into DIR go video-NNNN-PLAYERS.mp4, the same name as a folder with each\n"
    "performer's own track-K.wav, as a .json with the truth, and manifest.csv.\n"
    "Video number i depends on the options, the seed and i alone.\n"
    "\n"
    "  -o, --out DIR          where to write\n"
    "  -n, --count N          how many videos (1)\n"
    "  -s, --seed S           (1)\n"
    "      --first I          number of the first video (0)\n"
    "      --players LIST     numbers of players, 1 to 3, taken in turn (1,2)\n"
    "      --instruments LIST names, or 'all' (all)\n"
    "      --same-instrument X  share of videos in which two play the same instrument (0.08)\n"
    "      --seconds X        length of each video (10)\n"
    "      --size WxH         of the picture, even numbers (320x240)\n"
    "      --fps X            pictures a second (12)\n"
    "      --rate HZ          of the sound, 8000 to 48000 (44100)\n"
    "      --world W          train, validation or test: each has its own looks (train)\n"
    "      --soundfont FILE   SF2 or SF3; may be given several times (TimGM6mb.sf2;\n"
    "                         the test world: FluidR3_GM.sf2 where it is installed)\n"
    "      --jobs J           processes (1)\n"
    "      --preset P         x264 preset (veryfast)\n"
    "      --crf Q            x264 quality, 1 to 51 (23)\n"
    "      --no-tracks        leave the WAV files out\n"
    "      --sound-only       no videos: sound-NNNNNN-INSTRUMENT.flac, one performer each, in all\n"
    "                         kinds of rooms, and manifest.csv (--rate is then 11025 if not "
    "given)\n"
    "      --wav              32-bit float WAV instead of FLAC, with --sound-only\n"
    "      --list             print the instruments and stop\n";

enum {
    OPT_FIRST = 256,
    OPT_PLAYERS,
    OPT_INSTRUMENTS,
    OPT_SAME,
    OPT_SECONDS,
    OPT_SIZE,
    OPT_FPS,
    OPT_RATE,
    OPT_WORLD,
    OPT_FONT,
    OPT_JOBS,
    OPT_PRESET,
    OPT_CRF,
    OPT_NO_TRACKS,
    OPT_LIST,
    OPT_SOUND_ONLY,
    OPT_WAV
};

static const struct option long_options[] = {
    {"out", required_argument, NULL, 'o'},
    {"count", required_argument, NULL, 'n'},
    {"seed", required_argument, NULL, 's'},
    {"first", required_argument, NULL, OPT_FIRST},
    {"players", required_argument, NULL, OPT_PLAYERS},
    {"instruments", required_argument, NULL, OPT_INSTRUMENTS},
    {"same-instrument", required_argument, NULL, OPT_SAME},
    {"seconds", required_argument, NULL, OPT_SECONDS},
    {"size", required_argument, NULL, OPT_SIZE},
    {"fps", required_argument, NULL, OPT_FPS},
    {"rate", required_argument, NULL, OPT_RATE},
    {"world", required_argument, NULL, OPT_WORLD},
    {"soundfont", required_argument, NULL, OPT_FONT},
    {"jobs", required_argument, NULL, OPT_JOBS},
    {"preset", required_argument, NULL, OPT_PRESET},
    {"crf", required_argument, NULL, OPT_CRF},
    {"no-tracks", no_argument, NULL, OPT_NO_TRACKS},
    {"sound-only", no_argument, NULL, OPT_SOUND_ONLY},
    {"wav", no_argument, NULL, OPT_WAV},
    {"list", no_argument, NULL, OPT_LIST},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

typedef struct arguments {
    pp_corpus_options corpus;
    const char *fonts[MOST_FONTS];
    int help, list;
} arguments;

static pp_status parse_players(pp_scene_options *o, const char *text, pp_error *err)
{
    o->player_cycle = 0;
    for (const char *c = text;; c += 2) {
        if (*c < '1' || *c > '0' + PP_MOST_PLAYERS || (c[1] != ',' && c[1] != '\0') ||
            o->player_cycle == PP_PLAYER_CYCLE) {
            return pp_fail(err, PP_ERR_USAGE,
                           "--players %s: at most %d numbers from 1 to %d, with commas", text,
                           PP_PLAYER_CYCLE, PP_MOST_PLAYERS);
        }
        o->players[o->player_cycle++] = *c - '0';
        if (c[1] == '\0') return PP_OK;
    }
}

static pp_status parse_instruments(pp_scene_options *o, const char *text, pp_error *err)
{
    o->instruments = 0;
    if (strcmp(text, "all") == 0) return PP_OK;
    while (*text != '\0') {
        char name[64];
        size_t length = strcspn(text, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, text);
        int instrument = pp_instrument_by_name(name);
        if (instrument < 0) {
            pp_fail(err, PP_ERR_USAGE, "--instruments: there is no '%s'", name);
            return pp_advise(err, "pp synth --list prints the names");
        }
        o->instruments |= 1u << instrument;
        text += length;
        text += *text == ',';
    }
    return PP_OK;
}

static pp_status parse_size(pp_scene_options *o, const char *text, pp_error *err)
{
    int width = 0, height = 0, used = 0;
    if (sscanf(text, "%dx%d%n", &width, &height, &used) != 2 || text[used] != '\0' || width < 32 ||
        height < 32 || width > 4096 || height > 4096 || width % 2 != 0 || height % 2 != 0 ||
        width > 4 * height || height > 4 * width) {
        return pp_fail(err, PP_ERR_USAGE,
                       "--size %s: WxH, even numbers from 32 to 4096, 4:1 at most", text);
    }
    o->width = width;
    o->height = height;
    return PP_OK;
}

static pp_status parse_int(int *out, const char *text, int least, int most, const char *what,
                           pp_error *err)
{
    int64_t value = 0;
    pp_status status = pp_text_to_int(&value, text, least, most, what, err);
    if (status == PP_OK) *out = (int)value;
    return status;
}

static pp_status parse_world(pp_scene_options *o, const char *text, pp_error *err)
{
    int world = pp_world_by_name(text);
    if (world < 0) {
        return pp_fail(err, PP_ERR_USAGE, "--world %s: train, validation or test", text);
    }
    o->world = (pp_world)world;
    return PP_OK;
}

static pp_status add_font(arguments *a, const char *path, pp_error *err)
{
    if (a->corpus.scene.fonts == MOST_FONTS) {
        return pp_fail(err, PP_ERR_USAGE, "--soundfont: at most %d", MOST_FONTS);
    }
    a->fonts[a->corpus.scene.fonts++] = path;
    return PP_OK;
}

static pp_status parse_one(arguments *a, int option, const char *text, pp_error *err)
{
    pp_corpus_options *c = &a->corpus;
    pp_scene_options *o = &c->scene;
    int64_t number = 0;
    pp_status status = PP_OK;
    switch (option) {
    case 'o':
        c->folder = text;
        return PP_OK;
    case 'n':
        return pp_text_to_int(&c->count, text, 1, 100000000, "--count", err);
    case 's':
        status = pp_text_to_int(&number, text, 0, INT64_MAX / 4, "--seed", err);
        o->seed = (uint64_t)number;
        return status;
    case OPT_FIRST:
        return pp_text_to_int(&c->first, text, 0, 1000000000, "--first", err);
    case OPT_PLAYERS:
        return parse_players(o, text, err);
    case OPT_INSTRUMENTS:
        return parse_instruments(o, text, err);
    case OPT_SAME:
        return pp_text_to_real(&o->same_share, text, 0, 1, "--same-instrument", err);
    case OPT_SECONDS:
        return pp_text_to_real(&o->seconds, text, 0.5, 36000, "--seconds", err);
    case OPT_SIZE:
        return parse_size(o, text, err);
    case OPT_FPS:
        return pp_text_to_real(&o->fps, text, 0.1, 120, "--fps", err);
    case OPT_RATE:
        return parse_int(&o->rate_hz, text, 8000, 48000, "--rate", err);
    case OPT_WORLD:
        return parse_world(o, text, err);
    case OPT_FONT:
        return add_font(a, text, err);
    case OPT_JOBS:
        return parse_int(&c->jobs, text, 1, 64, "--jobs", err);
    case OPT_PRESET:
        c->preset = text;
        return PP_OK;
    case OPT_CRF:
        return parse_int(&c->crf, text, 1, 51, "--crf", err);
    case OPT_NO_TRACKS:
        c->tracks = 0;
        return PP_OK;
    case OPT_SOUND_ONLY:
        c->sound_only = 1;
        return PP_OK;
    case OPT_WAV:
        c->wav = 1;
        return PP_OK;
    case OPT_LIST:
        a->list = 1;
        return PP_OK;
    case 'h':
        a->help = 1;
        return PP_OK;
    default:
        return pp_fail(err, PP_ERR_USAGE, "pp synth --help shows the options");
    }
}

static pp_status parse(arguments *a, int argc, char **argv, pp_error *err)
{
    pp_status status = PP_OK;
    int option = 0;
    optind = 1;
    while (status == PP_OK &&
           (option = getopt_long(argc, argv, "o:n:s:h", long_options, NULL)) != -1) {
        status = parse_one(a, option, optarg, err);
    }
    if (status != PP_OK || a->help || a->list) return status;
    if (optind < argc) return pp_fail(err, PP_ERR_USAGE, "what is '%s'?", argv[optind]);
    if (a->corpus.folder == NULL) return pp_fail(err, PP_ERR_USAGE, "-o DIR is missing");
    return PP_OK;
}

/* The test world sounds of other samples than the others where Debian's big font is there; which
 * font played is in each truth file. */
static const char *find_font(pp_world world)
{
    static const char *const places[] = {
        "/usr/share/sounds/sf2/TimGM6mb.sf2",
        "/usr/share/soundfonts/TimGM6mb.sf2",
        "/usr/local/share/sounds/sf2/TimGM6mb.sf2",
    };
    static const char *const for_tests = "/usr/share/sounds/sf2/FluidR3_GM.sf2";
    if (world == PP_WORLD_TEST) {
        if (pp_path_exists(for_tests)) return for_tests;
        pp_log(PP_LOG_WARN,
               "pp synth: no %s (Debian: fluid-soundfont-gm): the test world sounds "
               "of the same samples as the training world",
               for_tests);
    }
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (pp_path_exists(places[i])) return places[i];
    }
    return places[0]; /* the message names where it was looked for */
}

/* What depends on other options. */
static pp_status complete(arguments *a, pp_error *err)
{
    pp_scene_options *o = &a->corpus.scene;
    a->corpus.fonts = a->fonts;
    if (o->rate_hz == 0) o->rate_hz = a->corpus.sound_only ? 11025 : 44100;
    return o->fonts == 0 ? add_font(a, find_font(o->world), err) : PP_OK;
}

static int run(int argc, char **argv)
{
    arguments a = {0};
    a.corpus = (pp_corpus_options){.count = 1, .jobs = 1, .tracks = 1};
    a.corpus.scene = (pp_scene_options){.seed = 1,
                                        .players = {1, 2},
                                        .player_cycle = 2,
                                        .same_share = 0.08,
                                        .seconds = 10,
                                        .width = 320,
                                        .height = 240,
                                        .fps = 12};
    pp_error err = {0};
    pp_status status = parse(&a, argc, argv, &err);
    if (status == PP_OK && a.help) return fputs(usage_text, stdout) == EOF;
    if (status == PP_OK && a.list) {
        for (int i = 0; i < PP_INSTRUMENTS; i++) puts(pp_instrument_get((pp_instrument)i)->name);
        return 0;
    }
    if (status == PP_OK) status = complete(&a, &err);
    if (status == PP_OK) status = pp_corpus_make(&a.corpus, &err);
    if (status == PP_OK) return 0;
    pp_log_failure(PP_LOG_ERROR, "pp synth", &err);
    return status == PP_ERR_USAGE ? 2 : 1;
}

const pp_verb pp_verb_synth = {"synth", "make music videos with known truth", run};
