# SPDX-License-Identifier: GPL-2.0-or-later
# wgq: a wg-quick that is one program.  make; sudo make install
#   make deps demo     install what it needs, build it, run a five-node mesh in network namespaces
#   make deps check    the tests;  check-all adds the real kernel under emulation and the sanitizers
#   V=1 shows commands; CI=1 makes warnings errors

PREFIX ?= /usr/local
DESTDIR ?=
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
SYSTEMDUNITDIR ?= $(PREFIX)/lib/systemd/system
VERSION := 0.1.0

B ?= build
CC ?= gcc
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wswitch-enum -Wvla \
	-Wsign-compare -Wwrite-strings -Wpointer-arith
HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
# those of iptables, libxtables and libiptc, are bound when they are needed: see hooks/late.h
LIBS := libmnl libnftnl libsodium jansson
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DWGQ_VERSION='"$(VERSION)"' -I. $(WARNINGS) $(if $(CI),-Werror) $(HARDEN) \
	$(CFLAGS) $(CPPFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
LDLIBS = $(shell pkg-config --libs $(LIBS)) -pthread -ldl

SOURCES := $(wildcard wgq/*.c wgq/*/*.c hooks/*.c)
HEADERS := $(wildcard wgq/*/*.h hooks/*.h tests/unit/*.h)
# not in $(B)/wgq, which is the program
OBJECTS := $(SOURCES:%.c=$(B)/obj/%.o)
UNITS := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/*.c))
# how many random meshes check-all tries; check takes fewer
MESHES ?= 100
MESH_TOOLS := $(B)/tests/mesh-random $(B)/tests/mesh-ways $(B)/tests/mesh-probe
SHELL_SCRIPTS := .ci/run $(wildcard tests/run tests/deps tests/*/run tests/*/*.bash tests/*/*.bats tests/vm/kernel-vm tests/vm/host-root) completions/wgq

Q := $(if $(V),,@)

.PHONY: all install uninstall deps demo check check-all lint format asan bench clean
all: $(B)/wgq

$(B)/wgq: $(OBJECTS)
	@$(if $(V),,echo "  LD   $@")
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC   $<")
	$Q$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(UNITS): $(B)/tests/%: $(B)/obj/tests/unit/%.o $(filter-out $(B)/obj/wgq/main.o,$(OBJECTS))
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LD   $@")
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

# Shows what wgq/conf makes of a file, for the golden tests.
$(B)/tests/config-driver: $(B)/obj/tests/config/driver.o $(filter $(B)/obj/wgq/base/% $(B)/obj/wgq/conf/%,$(OBJECTS))
	@$(if $(V),,echo "  LD   $@")
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

# Shows the plans of a file on a host that is made up.
$(B)/tests/plan-driver: $(B)/obj/tests/plan/driver.o $(filter-out $(B)/obj/wgq/main.o,$(OBJECTS))
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LD   $@")
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

# Shows what is found in a mesh of files.
$(B)/tests/mesh-driver: $(B)/obj/tests/mesh/driver.o $(filter-out $(B)/obj/wgq/main.o,$(OBJECTS))
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LD   $@")
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

# A random mesh, what the simulator says of it, and what packets do, for tests/mesh/real.
$(B)/tests/mesh-random $(B)/tests/mesh-ways: $(B)/tests/mesh-%: $(B)/obj/tests/mesh/%.o $(filter-out $(B)/obj/wgq/main.o,$(OBJECTS))
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LD   $@")
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/tests/mesh-probe: $(B)/obj/tests/mesh/probe.o
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LD   $@")
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^

# Holds a UDP port, for the tests in namespaces.
$(B)/tests/udp-hold: $(B)/obj/tests/netns/udp-hold.o
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LD   $@")
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^

-include $(OBJECTS:.o=.d) $(wildcard $(B)/obj/tests/*/*.d)

install: all
	install -D -m 0755 $(B)/wgq $(DESTDIR)$(SBINDIR)/wgq
	install -D -m 0644 man/wgq.8 $(DESTDIR)$(MANDIR)/man8/wgq.8
	install -D -m 0644 man/wgq.conf.5 $(DESTDIR)$(MANDIR)/man5/wgq.conf.5
	install -D -m 0644 completions/wgq $(DESTDIR)$(BASHCOMPDIR)/wgq
	install -d $(DESTDIR)$(SYSTEMDUNITDIR)
	sed 's|@SBINDIR@|$(SBINDIR)|' hooks/systemd/wgq@.service > $(DESTDIR)$(SYSTEMDUNITDIR)/wgq@.service
	chmod 0644 $(DESTDIR)$(SYSTEMDUNITDIR)/wgq@.service

uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/wgq $(DESTDIR)$(MANDIR)/man8/wgq.8 $(DESTDIR)$(MANDIR)/man5/wgq.conf.5 \
		$(DESTDIR)$(BASHCOMPDIR)/wgq $(DESTDIR)$(SYSTEMDUNITDIR)/wgq@.service

deps:
	$Qtests/deps

demo: all
	$Qtests/netns/demo $(B)/wgq

check: all $(UNITS) $(B)/tests/config-driver $(B)/tests/plan-driver $(B)/tests/mesh-driver $(B)/tests/udp-hold $(MESH_TOOLS)
	$Qtests/run

check-all: check
	$Q$(MAKE) asan
	$QMESHES=$(MESHES) tests/run tests/mesh/real.bats
	$Qtests/vm/run
	$Qtests/vm/run hosts

# The whole suite again, every allocation and every shift watched.
asan:
	$Q$(MAKE) B=build/asan CC=clang CFLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
		-fno-omit-frame-pointer -U_FORTIFY_SOURCE" check

lint:
	$Qbats tests/lint.bats

format:
	clang-format -i $(SOURCES) $(HEADERS) $(wildcard tests/unit/*.c tests/config/*.c tests/netns/*.c tests/mesh/*.c)

bench: all
	$Qtests/bench/run

clean:
	rm -rf build
