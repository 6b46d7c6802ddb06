# waconn - `make help` lists what there is. Everything that is built lands in $(O).

O       ?= build
PREFIX  ?= /usr
DESTDIR ?=
SECONDS ?= 60
SAN     ?= 0
WERROR  ?= 0

GEN      = $(O)/gen
WARN     = -Wall -Wextra -Wshadow -Wformat=2 -Wundef -Wvla -Wstrict-prototypes -Wmissing-prototypes \
           -Wwrite-strings -Wcast-qual -Wconversion -Wno-sign-conversion -Wnull-dereference -Wimplicit-fallthrough \
           -Wno-missing-field-initializers
HARDEN   = -fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection
OPT      = -O2 -D_FORTIFY_SOURCE=3
LDHARDEN = -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed
ifeq ($(SAN),1)        # what the tests run
OPT      = -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -DFAULT_POINTS
else ifeq ($(SAN),fuzz) # with clang
OPT      = -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
endif
ifeq ($(WERROR),1)
WARN    += -Werror
endif

PKGS     = libevent_openssl libevent libwebsockets libuv libsignal-protocol-c libprotobuf-c jansson libpq libcrypto libssl \
           libqrencode libpng libargon2 libsystemd inih zlib libcurl \
           libjpeg libwebp
# Library headers are not ours to warn about.
INCLUDES = -I. -I$(GEN) $(patsubst -I%,-isystem %,$(filter -I%,$(PKGCFG)))
PKGCFG  := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
CFLAGS  ?= -g
ALLFLAGS = -std=gnu11 -D_GNU_SOURCE -DWACONN_PREFIX='"$(PREFIX)"' -MMD -MP $(CFLAGS) $(OPT) $(HARDEN) $(WARN) $(INCLUDES)

lib = $(shell pkg-config --libs $(1) 2>/dev/null) -lm
COMMON_LIBS := $(call lib,libevent libprotobuf-c jansson inih libcrypto libwebsockets libuv)
WACONND_LIBS := $(call lib,libsignal-protocol-c zlib libpq libssl libargon2 libqrencode libpng libsystemd libcurl libjpeg libwebp) -lpthread $(COMMON_LIBS)
APIGW_LIBS  := $(call lib,libevent_openssl libssl libqrencode libpng libsystemd zlib) $(COMMON_LIBS)
SIM_LIBS    := $(call lib,libsignal-protocol-c zlib libevent_openssl libssl) -lpthread $(COMMON_LIBS)
CTL_LIBS    := $(call lib,libqrencode) $(COMMON_LIBS)
TEST_LIBS   := $(call lib,cmocka) $(WACONND_LIBS) $(APIGW_LIBS)

# -- sources, by program ------------------------------------------------------
COMMON_SRC   = $(wildcard common/*.c) $(GEN)/ipc.pb-c.c
WA_SRC       = $(wildcard common/wa/*.c) $(GEN)/wa.pb-c.c
LINK_SRC     = $(wildcard waconnd/link/*.c waconnd/signal/*.c) $(GEN)/credentials.pb-c.c
STORE_SRC    = $(wildcard waconnd/store/*.c) $(GEN)/sql.c
DAEMON_SRC   = $(filter-out waconnd/main.c,$(wildcard waconnd/*.c)) $(wildcard waconnd/blast/*.c waconnd/api/*.c)
CTL_SRC      = $(filter-out waconnd/waconnctl/main.c,$(wildcard waconnd/waconnctl/*.c))
APIGW_SRC    = $(filter-out apigw/main.c,$(wildcard apigw/*.c)) $(wildcard apigw/routes/*.c)
SIM_SRC      = $(filter-out tests/sim/main.c,$(wildcard tests/sim/*.c))
WEB_SRC      = $(shell find apigw/web/src apigw/web/public -type f) $(wildcard apigw/web/*.html apigw/web/*.ts apigw/web/*.json) docs/openapi.yaml

objs = $(patsubst %.c,$(O)/obj/%.o,$(patsubst $(GEN)/%,gen/%,$(1)))

PROTOS   = common/ipc.proto common/wa/wa.proto waconnd/link/credentials.proto
PROTO_H  = $(patsubst %.proto,$(GEN)/%.pb-c.h,$(notdir $(PROTOS))) $(GEN)/sql.h
vpath %.proto common common/wa waconnd/link

# A node that is new enough, if the system's is not: tests/install.sh puts it there.
export PATH := $(CURDIR)/tests/node/bin:$(PATH)

# -- what to say to make ------------------------------------------------------
# Each of these installs what is missing first, then starts make again, which then sees it.
AGAIN = $(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

.DEFAULT_GOAL = all
.SECONDARY:
.DELETE_ON_ERROR:
.PHONY: all demo check faults bench run lint format docs fuzz install clean help programs web unit-tests fuzzers npm-tests

all: ## build the programs and the web UI in build/
	@tests/install.sh build
	@$(AGAIN) programs web

demo: ## everything against a simulated WhatsApp, with demo data (DEMO_PORT=3000 DEMO_DIR=var/demo)
	@tests/install.sh demo
	@$(AGAIN) programs web
	@WACONN_BUILD=$(O) exec node tests/demo/demo.mjs

check: ## build and run every test there is
	@tests/install.sh check
	@$(AGAIN) WERROR=1 programs web npm-tests
	@$(AGAIN) WERROR=1 O=$(O)/san SAN=1 programs unit-tests
	@$(AGAIN) WERROR=1 O=$(O)/fuzz SAN=fuzz CC=clang fuzzers
	@exec tests/run $(O)

faults: ## the fault tests in full: kills, crashes, outages, limits, leaks (an hour or so)
	@tests/install.sh faults
	@$(AGAIN) WERROR=1 programs web npm-tests
	@$(AGAIN) WERROR=1 O=$(O)/san SAN=1 programs
	@FAULTS=long exec tests/run $(O) faults

bench: ## what it costs, beside its peers: tables, also in build/bench.md (BENCH=full: all sizes, 90 minutes; BENCH_ONLY="http …")
	@tests/install.sh bench
	@$(AGAIN) programs web npm-tests
	@ulimit -n 12000 2>/dev/null; WACONN_BUILD=$(O) exec node tests/bench/run.mjs $(BENCH_ONLY)

run: ## everything against the real WhatsApp, with a lasting database in var/run/
	@tests/install.sh demo
	@$(AGAIN) programs web
	@WACONN_BUILD=$(O) exec node tests/demo/run.mjs

fuzz: ## fuzz every parser for a while each (SECONDS=60)
	@tests/install.sh check
	@$(AGAIN) O=$(O)/fuzz SAN=fuzz CC=clang fuzzers
	@exec tests/fuzz/run $(O)/fuzz $(SECONDS)

lint: ## formatting, order of includes, banned functions, cppcheck, the interface's description
	@tests/install.sh check
	@$(AGAIN) npm-tests
	@exec tests/lint.sh

format: ## clang-format over all C
	@tests/install.sh check
	find common waconnd apigw tests -name node_modules -prune -o -name '*.[ch]' -print | xargs clang-format -i

install: ## programs, web UI, units, example configuration and pages (DESTDIR= PREFIX=/usr)
	@$(AGAIN) programs web
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,sbin bin lib/systemd/system share/waconn share/doc/waconn/examples)
	install $(O)/waconnd $(O)/apigw $(DESTDIR)$(PREFIX)/sbin
	install $(O)/waconnctl $(DESTDIR)$(PREFIX)/bin
	install -m 644 docs/examples/*.service $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 644 schema.sql $(DESTDIR)$(PREFIX)/share/waconn
	install -m 644 README.md docs/*.md docs/*.png $(DESTDIR)$(PREFIX)/share/doc/waconn
	install -m 644 docs/examples/*.conf $(DESTDIR)$(PREFIX)/share/doc/waconn/examples
	rm -rf $(DESTDIR)$(PREFIX)/share/waconn/web && cp -r $(O)/web $(DESTDIR)$(PREFIX)/share/waconn/web

docs: ## write the pages that come out of tables anew
	@tests/install.sh check
	@$(AGAIN) $(O)/tests/waconnd/docs_test
	@UPDATE=1 $(O)/tests/waconnd/docs_test

clean: ## remove what was built
	rm -rf $(O)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "make %-9s %s\n", $$1, $$2 }'

programs: $(O)/waconnd $(O)/apigw $(O)/waconnctl $(O)/wasim
	@:
web: $(O)/web/index.html
	@:

# -- generated ------------------------------------------------------------------
$(GEN)/%.pb-c.c $(GEN)/%.pb-c.h: %.proto
	@mkdir -p $(GEN)
	protoc-c --proto_path=$(<D) --c_out=$(GEN) $(<F)
$(GEN)/sql.c $(GEN)/sql.h &: schema.sql $(wildcard waconnd/store/sql/*.sql) waconnd/store/embed_sql.awk
	@mkdir -p $(GEN)
	awk -f waconnd/store/embed_sql.awk -v out=$(GEN)/sql schema.sql $(sort $(wildcard waconnd/store/sql/*.sql))

# -- compile and link -------------------------------------------------------------
$(O)/obj/gen/%.o: $(GEN)/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE -MMD -MP $(CFLAGS) $(OPT) $(HARDEN) $(INCLUDES) -c -o $@ $<
$(O)/obj/%.o: %.c | $(PROTO_H)
	@mkdir -p $(@D)
	$(CC) $(ALLFLAGS) -c -o $@ $<

ARCHIVE = rm -f $@ && $(AR) rcs $@ $^
$(O)/libcommon.a: $(call objs,$(COMMON_SRC)) ; $(ARCHIVE)
$(O)/libwa.a: $(call objs,$(WA_SRC)) ; $(ARCHIVE)
$(O)/liblink.a: $(call objs,$(LINK_SRC)) ; $(ARCHIVE)
$(O)/libstore.a: $(call objs,$(STORE_SRC)) ; $(ARCHIVE)
$(O)/libdaemon.a: $(call objs,$(DAEMON_SRC)) ; $(ARCHIVE)
$(O)/libapigw.a: $(call objs,$(APIGW_SRC)) ; $(ARCHIVE)
$(O)/libctl.a: $(call objs,$(CTL_SRC)) ; $(ARCHIVE)
$(O)/libsim.a: $(call objs,$(SIM_SRC)) ; $(ARCHIVE)

in-order = $(addprefix $(O)/lib,$(addsuffix .a,$(1)))
LINK = $(CC) $(CFLAGS) $(OPT) $(LDHARDEN) $(LDFLAGS) -o $@ $^
$(O)/waconnd: $(call objs,waconnd/main.c) $(call in-order,daemon link store wa common)
	$(LINK) $(WACONND_LIBS)
$(O)/waconnctl: $(call objs,waconnd/waconnctl/main.c) $(call in-order,ctl common)
	$(LINK) $(CTL_LIBS)
$(O)/apigw: $(call objs,apigw/main.c) $(call in-order,apigw common)
	$(LINK) $(APIGW_LIBS)
$(O)/wasim: $(call objs,tests/sim/main.c) $(call in-order,sim wa common)
	$(LINK) $(SIM_LIBS)

# -- npm: packages when the lock file is newer, then the web UI -----------------------
%/node_modules/.package-lock.json: %/package-lock.json
	cd $* && npm ci --no-audit --no-fund </dev/null
	@touch $@
$(O)/web/index.html: apigw/web/node_modules/.package-lock.json $(WEB_SRC)
	cd apigw/web && node_modules/.bin/tsc --noEmit && node_modules/.bin/vite build --logLevel warn --outDir $(abspath $(@D)) --emptyOutDir
	@touch $@
npm-tests: tests/node_modules/.package-lock.json

# -- unit tests: tests/unit/PART/NAME_test.c links the part it tests and what that stands on ----
STANDS_common  = common
STANDS_wa      = wa common
STANDS_link    = link wa common
STANDS_store   = store common
STANDS_waconnd = daemon link store wa common
STANDS_apigw   = apigw common
STANDS_ctl     = ctl common
STANDS_sim     = sim wa common
TEST_PARTS     = common wa link store waconnd ctl apigw sim
define test_rules
$(O)/tests/$(1)/%_test: $(O)/obj/tests/unit/$(1)/%_test.o $(call in-order,$(STANDS_$(1)))
	@mkdir -p $$(@D)
	$$(LINK) $$(TEST_LIBS)
test-$(1): $$(patsubst tests/unit/%.c,$(O)/tests/%,$$(wildcard tests/unit/$(1)/*_test.c))
	@for t in $$^; do $$$$t || exit 1; done
endef
$(foreach part,$(TEST_PARTS),$(eval $(call test_rules,$(part))))
unit-tests: $(patsubst tests/unit/%.c,$(O)/tests/%,$(wildcard tests/unit/*/*_test.c))

# -- fuzzing: O=build/fuzz SAN=fuzz CC=clang -----------------------------------------------
$(O)/%_fuzz: $(O)/obj/tests/fuzz/%_fuzz.o $(call in-order,apigw link wa common)
	$(LINK) -fsanitize=fuzzer $(TEST_LIBS)
fuzzers: $(patsubst tests/fuzz/%.c,$(O)/%,$(wildcard tests/fuzz/*_fuzz.c))

-include $(shell find $(O)/obj -name '*.d' 2>/dev/null)
