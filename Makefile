# waconn - `make help` lists what there is. Everything built lands in $(O).

O       ?= build
PREFIX  ?= /usr
CC      ?= cc
SAN     ?= 0
WERROR  ?= 0

GEN      = $(O)/gen
WARN     = -Wall -Wextra -Wshadow -Wformat=2 -Wundef -Wvla -Wstrict-prototypes -Wmissing-prototypes \
           -Wwrite-strings -Wcast-qual -Wconversion -Wno-sign-conversion -Wnull-dereference -Wimplicit-fallthrough
HARDEN   = -fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection
OPT      = -O2 -D_FORTIFY_SOURCE=3
LDHARDEN = -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack
ifeq ($(SAN),1)
OPT      = -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
endif
ifeq ($(WERROR),1)
WARN    += -Werror
endif

PKGS     = libevent_openssl libevent libwebsockets libuv libsignal-protocol-c libprotobuf-c jansson libpq libcrypto libssl \
           libqrencode libpng libargon2 libsystemd inih zlib cmocka
# Library headers are not ours to warn about.
PKGCFG  := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
INCLUDES = -I. -I$(GEN) $(patsubst -I%,-isystem %,$(filter -I%,$(PKGCFG)))
CFLAGS  ?= -g
ALLFLAGS = -std=gnu11 -D_GNU_SOURCE -MMD -MP $(CFLAGS) $(OPT) $(HARDEN) $(WARN) $(INCLUDES)

lib = $(shell pkg-config --libs $(1) 2>/dev/null)
BASE_LIBS    = $(call lib,libevent libprotobuf-c jansson inih libcrypto) -lm
WA_LIBS      = $(call lib,libsignal-protocol-c zlib)
WACONND_LIBS = $(WA_LIBS) $(call lib,libwebsockets libuv libpq libssl libargon2 libqrencode libpng libsystemd) -lpthread
APIGW_LIBS   = $(call lib,libevent_openssl libssl libqrencode libpng libsystemd zlib)

# -- sources, by program ------------------------------------------------------
COMMON_SRC   = $(wildcard common/*.c) $(GEN)/ipc.pb-c.c
WA_SRC       = $(wildcard common/wa/*.c) $(GEN)/wa.pb-c.c
LINK_SRC     = $(wildcard waconnd/link/*.c waconnd/signal/*.c) $(GEN)/credentials.pb-c.c
STORE_SRC    = $(wildcard waconnd/store/*.c) $(GEN)/sql.c
DAEMON_SRC   = $(filter-out waconnd/main.c,$(wildcard waconnd/*.c)) $(wildcard waconnd/blast/*.c waconnd/api/*.c)
CTL_SRC      = $(wildcard waconnd/waconnctl/*.c)
APIGW_SRC    = $(filter-out apigw/main.c,$(wildcard apigw/*.c)) $(wildcard apigw/routes/*.c)
SIM_SRC      = $(wildcard tests/sim/*.c)

objs = $(patsubst %.c,$(O)/obj/%.o,$(patsubst $(GEN)/%,gen/%,$(1)))

PROTOS   = $(wildcard common/*.proto common/wa/*.proto waconnd/link/*.proto)
PROTO_H  = $(patsubst %.proto,$(GEN)/%.pb-c.h,$(notdir $(PROTOS))) $(patsubst waconnd/store/embed_sql.awk,$(GEN)/sql.h,$(wildcard waconnd/store/embed_sql.awk))

.DEFAULT_GOAL = all
.SECONDARY:
.PHONY: all programs
all: programs

programs: $(O)/waconnd $(O)/apigw $(O)/waconnctl $(O)/wasim

# -- generated ------------------------------------------------------------------
$(GEN)/%.pb-c.c $(GEN)/%.pb-c.h: common/%.proto
	@mkdir -p $(GEN)
	protoc-c --proto_path=$(<D) --c_out=$(GEN) $(<F)
$(GEN)/%.pb-c.c $(GEN)/%.pb-c.h: common/wa/%.proto
	@mkdir -p $(GEN)
	protoc-c --proto_path=$(<D) --c_out=$(GEN) $(<F)
$(GEN)/%.pb-c.c $(GEN)/%.pb-c.h: waconnd/link/%.proto
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
$(O)/libsim.a: $(call objs,$(filter-out tests/sim/main.c,$(SIM_SRC))) ; $(ARCHIVE)

LINK = $(CC) $(CFLAGS) $(OPT) $(LDHARDEN) -o $@
$(O)/waconnd: $(call objs,waconnd/main.c) $(O)/libdaemon.a $(O)/liblink.a $(O)/libstore.a $(O)/libwa.a $(O)/libcommon.a
	$(LINK) $^ $(WACONND_LIBS) $(BASE_LIBS)
$(O)/waconnctl: $(call objs,$(CTL_SRC)) $(O)/libcommon.a
	$(LINK) $^ $(call lib,libqrencode) $(BASE_LIBS)
$(O)/apigw: $(call objs,apigw/main.c) $(O)/libapigw.a $(O)/libcommon.a
	$(LINK) $^ $(APIGW_LIBS) $(BASE_LIBS)
$(O)/wasim: $(call objs,tests/sim/main.c) $(O)/libsim.a $(O)/libwa.a $(O)/libcommon.a
	$(LINK) $^ $(WACONND_LIBS) $(BASE_LIBS)

# -- unit tests: tests/unit/PART/NAME_test.c links the part it tests and what that stands on ----
TEST_LIBS_common  = $(O)/libcommon.a
TEST_LIBS_wa      = $(O)/libwa.a $(O)/libcommon.a
TEST_LIBS_link    = $(O)/liblink.a $(O)/libwa.a $(O)/libcommon.a
TEST_LIBS_store   = $(O)/libstore.a $(O)/libcommon.a
TEST_LIBS_waconnd = $(O)/libdaemon.a $(O)/liblink.a $(O)/libstore.a $(O)/libwa.a $(O)/libcommon.a
TEST_LIBS_apigw   = $(O)/libapigw.a $(O)/libcommon.a
TEST_LIBS_sim     = $(O)/libsim.a $(O)/libwa.a $(O)/libcommon.a
TEST_PARTS = common wa link store waconnd apigw sim
define test_rule
$(O)/tests/$(1)/%_test: $(O)/obj/tests/unit/$(1)/%_test.o $$(TEST_LIBS_$(1))
	@mkdir -p $$(@D)
	$$(LINK) $$^ $$(call lib,cmocka) $$(WACONND_LIBS) $$(APIGW_LIBS) $$(BASE_LIBS)
test-$(1): $$(patsubst tests/unit/%.c,$(O)/tests/%,$$(wildcard tests/unit/$(1)/*_test.c))
	@for t in $$^; do $$$$t || exit 1; done
endef
$(foreach part,$(TEST_PARTS),$(eval $(call test_rule,$(part))))

-include $(shell find $(O)/obj -name '*.d' 2>/dev/null)
