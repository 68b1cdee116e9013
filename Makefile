# PixelPlayer for clusters. `make help` lists the targets.
#
# Objects lie under build/<config>/, programs of the release configuration in build/bin/.
# Every .c below src/ but the mains goes into one library; sources are found, not listed.

CONFIG ?= release
CC     ?= gcc
PREFIX ?= /usr/local
MAKEFLAGS += --no-builtin-rules
Q := $(if $(V),,@) # make V=1 shows the commands

# As many jobs as cores, unless the user said how many.
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

O   := build/$(CONFIG)
BIN := $(if $(filter release,$(CONFIG)),build/bin,$(O)/bin)

PACKAGES_NEEDED := ompi-c fftw3 fftw3f libavcodec libavformat libavutil libavfilter libswresample \
                   libswscale hdf5-serial zlib sqlite3 jansson inih libcrypto libseccomp
# Asked once, when the first rule needs them: `make deps` runs before the libraries are there.
pkg_cflags = $(eval pkg_cflags := $(shell pkg-config --cflags $(PACKAGES_NEEDED) 2>/dev/null | sed 's/-I/-isystem /g'))$(pkg_cflags)
# hdf5-serial.pc leaves out the library of dimension scales
pkg_libs = $(eval pkg_libs := \
    $(shell pkg-config --libs-only-L hdf5-serial 2>/dev/null) -lhdf5_hl \
    $(shell pkg-config --libs $(PACKAGES_NEEDED) 2>/dev/null))$(pkg_libs)
blas_cflags = $(eval blas_cflags := $(shell pkg-config --cflags openblas 2>/dev/null | sed 's/-I/-isystem /g'))$(blas_cflags)
synth_libs = $(eval synth_libs := $(shell pkg-config --libs fluidsynth 2>/dev/null))$(synth_libs)

WARNINGS := -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes
WARNINGS += $(if $(CI),-Werror)
OPT.release := -O2 -g -fno-math-errno -fno-trapping-math
OPT.asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT.debug   := -O0 -g
OPT := $(OPT.$(CONFIG))
VERSION := $(shell cat VERSION)

CPPFLAGS += -D_GNU_SOURCE -Isrc -I. -DPP_VERSION='"$(VERSION)"'
CFLAGS   += -std=c11 $(OPT) $(WARNINGS) -fPIC -ffp-contract=off
LDFLAGS  += $(OPT) -Wl,--as-needed
LDLIBS   += -lm -ldl -lpthread

MAIN_SOURCES := src/cluster/pp_cluster.c src/cluster/pp_train.c src/media/decoder/pp_decode.c
DECODER_SOURCES := src/media/decoder/shortage_malloc.c # goes before the C library's
LIB_SOURCES  := $(filter-out $(MAIN_SOURCES) $(DECODER_SOURCES),$(wildcard src/*/*.c src/*/*/*.c))
TOOL_SOURCES := $(wildcard tools/*.c tools/*/*.c)
UNIT_SOURCES := $(wildcard tests/unit/test_*.c)
TEST_LIB_SOURCES := $(wildcard tests/lib/*.c)

LIB   := $(O)/libpp.a
objects = $(patsubst %.c,$(O)/%.o,$(1))
PROGRAMS := $(addprefix $(BIN)/,pp pp-cluster pp-train pp-decode)
UNITS    := $(patsubst tests/unit/%.c,$(O)/tests/%,$(UNIT_SOURCES))

.PHONY: all help deps demo test test-units test-jobs test-slurm test-kills bench bench-incremental \
        check-san check-valgrind fuzz \
        soak lint format layers install clean
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PROGRAMS)

help:
	@sed -n 's/^## //p' Makefile

## make              build everything into build/bin (needs the libraries: make deps)
## make deps         install what is missing through apt-get, or say what is missing
## make demo         build, make a small corpus, run 4 ranks on it, show the result (VIDEO=FILE adds one)
## make test         everything that CI checks
## make test-units   the unit tests alone
## make test-jobs    the whole-program tests alone
## make test-slurm   batch scripts on a small real Slurm (root; installs slurm-wlm and munge; three to eight minutes)
## make test-kills  300 random kill -9 of runs under mpirun (KILLS=N; half an hour)
## make bench        speed of networks and pipeline, against the peer where it is installed
## make bench-incremental  10 000 small videos run again unchanged: below 3 s (makes them first)
## make check-san    the unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
## make check-valgrind  the unit tests under valgrind
## make fuzz         random damage against the file readers (FUZZ="ROUNDS SEED READER")
## make soak         long runs: ten hours of video (not part of make test)
## make lint         clang-format, layer check, shell syntax
## make format       rewrites the sources with clang-format
## make install PREFIX=DIR
## make clean

deps:
	@tools/install-deps

# Loops over floats become vectors (-O3); short copies stay loops instead of calls of memcpy.
build/release/src/train/%.o build/release/src/nn/quantise.o build/release/src/dsp/window_input.o \
build/release/src/dsp/warp.o build/release/src/pipeline/cast_metric.o \
build/release/src/pipeline/crossfade.o: CFLAGS += -O3 -fno-tree-loop-distribute-patterns

# ---- programs -------------------------------------------------------------------------------

$(O)/%.o: %.c | deps
	@mkdir -p $(@D)
	@echo "  CC    $@"
	$(Q)$(CC) $(CPPFLAGS) $(pkg_cflags) $(blas_cflags) $(CFLAGS) -MMD -MP -c $< -o $@

$(LIB): $(call objects,$(LIB_SOURCES))
	@rm -f $@
	@echo "  AR    $@"
	$(Q)$(AR) rcs $@ $^

link = @mkdir -p $(@D); echo "  LINK  $@"; $(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) $(pkg_libs) $(LDLIBS)

$(BIN)/pp: $(call objects,$(TOOL_SOURCES)) $(LIB)
	$(link) $(synth_libs)
$(BIN)/pp-cluster: $(O)/src/cluster/pp_cluster.o $(LIB)
	$(link)
$(BIN)/pp-train: $(O)/src/cluster/pp_train.o $(LIB)
	$(link)
$(BIN)/pp-decode: $(O)/src/media/decoder/pp_decode.o $(call objects,$(DECODER_SOURCES)) $(LIB)
	$(link)

# ---- tests ----------------------------------------------------------------------------------

$(O)/tests/%: $(O)/tests/unit/%.o $(call objects,$(TEST_LIB_SOURCES)) $(LIB)
	$(link) -lcmocka
$(O)/tests/test_synth_%: $(O)/tests/unit/test_synth_%.o \
		$(call objects,$(wildcard tools/synth/*.c)) $(LIB)
	$(link) $(synth_libs) -lcmocka

test: all
	tests/run all
test-kills: all
	PP_KILLS=$(or $(KILLS),300) PP_TIMEOUT=14400 PP_SHOW=1 tests/run jobs kills
bench-incremental: all
	PP_VIDEOS=$(or $(VIDEOS),10000) PP_SECONDS=180 PP_MOST_MS=3000 PP_TIMEOUT=14400 PP_SHOW=1 \
	    tests/run jobs incremental
test-units: all
	tests/run units
test-jobs: all
	tests/run jobs
soak: all
	tests/run soak
units: $(UNITS) $(PROGRAMS)

test-slurm: all
	@tools/install-deps slurm-wlm munge
	tests/run slurm

check-san:
	$(MAKE) CONFIG=asan units
	tests/run units asan
check-valgrind:
	$(MAKE) CONFIG=debug units
	tests/run units debug valgrind
$(O)/tests/fuzz_readers: $(O)/tests/fuzz/fuzz_readers.o $(call objects,$(TEST_LIB_SOURCES)) $(LIB)
	$(link) -lcmocka
fuzz: $(O)/tests/fuzz_readers
	$(O)/tests/fuzz_readers $(FUZZ)
demo: all
	tools/demo
bench: all
	tools/bench
lint: layers
	tools/lint
layers:
	@tools/check-layers
format:
	clang-format -i $$(git ls-files '*.c' '*.h')
compile_commands.json: $(wildcard src/*/*.c src/*/*/*.c tools/*.c tools/*/*.c)
	bear -- $(MAKE) -B all

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/pixelplayer
	install $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	cp -r jobs models slurm docs README.md LICENSE $(DESTDIR)$(PREFIX)/share/pixelplayer

clean:
	rm -rf build compile_commands.json

-include $(patsubst %.c,$(O)/%.d,$(LIB_SOURCES) $(MAIN_SOURCES) $(DECODER_SOURCES) $(TOOL_SOURCES) $(UNIT_SOURCES) \
         $(TEST_LIB_SOURCES) tests/fuzz/fuzz_readers.c)
