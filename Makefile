# heapwalk: build, test, install. Everything that is made lies under build/.
#
#   make            the program, build/heapwalk
#   make demo       installs what is missing, builds, and finds the leak of a sample server
#   make check      installs what is missing, builds, runs every test
#   make unit       the unit tests alone (seconds)
#   make lint       formatting, static analysis, layer rule
#   make bench      speed and memory as ratios
#   make accuracy   how many chunks of real programs are named, and how many rightly
#   make install    DESTDIR= prefix=/usr/local
#
# SAN=address,undefined builds and tests with sanitizers (under build-san/); V=1 shows the commands.

VERSION := 0.1.0

prefix ?= /usr/local
bindir ?= $(prefix)/bin
mandir ?= $(prefix)/share/man
bashcompdir ?= $(prefix)/share/bash-completion/completions

ifdef SAN
B ?= build-san
else
B ?= build
endif

CFLAGS ?= -O2 -g
override CPPFLAGS += -D_GNU_SOURCE -DHW_VERSION='"$(VERSION)"' -iquote . -MMD -MP
override CFLAGS += -std=gnu11 -fno-strict-overflow -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes \
	-Wvla -Wpointer-arith -Wwrite-strings -Wformat=2 -Wno-missing-field-initializers
ifdef SAN
override CFLAGS += -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
override LDFLAGS += -fsanitize=$(SAN)
endif

PKGS_inspector := libelf libzstd liblz4 zlib
PKGS_unwind := libunwind-ptrace libunwind-generic libdw
PKGS_report := smartcols
# For the command line alone, and not without it where it is missing.
PKGS_cli := $(shell pkg-config --exists libmagic && echo libmagic)
ifneq ($(PKGS_cli),)
override CPPFLAGS += -DHW_HAVE_MAGIC
endif
LIBS_inspector = $(shell pkg-config --libs $(PKGS_inspector)) -lpthread -lm
LIBS_unwind = $(shell pkg-config --libs $(PKGS_unwind)) -lbfd -liberty
LIBS_cli = $(if $(PKGS_cli),$(shell pkg-config --libs $(PKGS_cli)))
LIBS_report = $(shell pkg-config --libs $(PKGS_report))

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s %s\n'
endif

LAYERS := inspector unwind heapwalk report
# The entry and the command line put the layers together: they are in no archive.
ENTRY := $(sort heapwalk/main.c $(wildcard heapwalk/cli/*.c))
sources = $(filter-out $(ENTRY),$(sort $(wildcard $(1)/*.c $(1)/*/*.c)))
objects = $(patsubst %.c,$(B)/obj/%.o,$(1))
archive = $(B)/lib/$(1)/libhw$(1).a

# Right to left, so that an upward call stays an undefined reference.
ARCHIVES := $(foreach l,report heapwalk unwind inspector,$(call archive,$(l)))

.PHONY: all
all: $(B)/heapwalk
	@:

$(B)/heapwalk: $(call objects,$(ENTRY)) $(ARCHIVES)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_cli) $(LIBS_report) $(LIBS_unwind) $(LIBS_inspector) $(LDLIBS)

$(B)/obj/%.o: %.c Makefile
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

define layer_rule
$$(call archive,$(1)): $$(call objects,$$(call sources,$(1)))
	$$(say) AR $$@
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^
endef
$(foreach l,$(LAYERS),$(eval $(call layer_rule,$(l))))

include tests/tests.mk

.PHONY: install uninstall
install: $(B)/heapwalk
	install -D -m 755 $(B)/heapwalk $(DESTDIR)$(bindir)/heapwalk
	install -D -m 644 man/heapwalk.1 $(DESTDIR)$(mandir)/man1/heapwalk.1
	install -D -m 644 man/heapwalk.bash $(DESTDIR)$(bashcompdir)/heapwalk

uninstall:
	rm -f $(DESTDIR)$(bindir)/heapwalk $(DESTDIR)$(mandir)/man1/heapwalk.1 $(DESTDIR)$(bashcompdir)/heapwalk

.PHONY: clean
clean:
	rm -rf build build-san

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
