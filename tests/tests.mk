# How the tests are built and run; included by the Makefile.

# tests/unit/LAYER/test_X.c tests a layer and links it and the layers to its left only.
UNIT_TESTS := $(patsubst tests/unit/%.c,$(B)/unit/%,$(sort $(wildcard tests/unit/*/test_*.c)))
LIBS_check = $(shell pkg-config --libs check)

$(B)/unit/inspector/%: $(B)/obj/tests/unit/inspector/%.o $(call archive,inspector)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_check) $(LIBS_inspector)

$(B)/unit/unwind/%: $(B)/obj/tests/unit/unwind/%.o $(call archive,unwind) $(call archive,inspector)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_check) $(LIBS_unwind) $(LIBS_inspector)

# No debugger library: of unwind only what asks the catalogue of types can be linked.
$(B)/unit/heapwalk/%: $(B)/obj/tests/unit/heapwalk/%.o $(call archive,heapwalk) $(call archive,unwind) \
		$(call archive,inspector)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_check) $(LIBS_inspector) -lm

$(B)/unit/report/%: $(B)/obj/tests/unit/report/%.o $(ARCHIVES)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_check) $(LIBS_report) $(LIBS_unwind) $(LIBS_inspector)

# The command line, without main().
$(B)/unit/cli/%: $(B)/obj/tests/unit/cli/%.o $(call objects,$(wildcard heapwalk/cli/*.c)) $(ARCHIVES)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_check) $(LIBS_cli) $(LIBS_report) $(LIBS_unwind) $(LIBS_inspector)

.SECONDARY:

.PHONY: unit
unit: $(UNIT_TESTS)
	$(Q)$(if $^,tests/run $^)

# tests/tools/X.c is a small program of the tests' own that links every layer and the command line's parts.
TOOLS := $(patsubst tests/tools/%.c,$(B)/tools/%,$(sort $(wildcard tests/tools/*.c)))

$(B)/tools/%: $(B)/obj/tests/tools/%.o $(call objects,$(wildcard heapwalk/cli/*.c)) $(ARCHIVES)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_cli) $(LIBS_report) $(LIBS_unwind) $(LIBS_inspector)

# tests/targets/X.c is a program to be inspected: plain, without our flags and without sanitizers.
TARGET_CFLAGS := -g -O1 -pthread -Wall
TARGETS := $(patsubst tests/targets/%.c,$(B)/targets/%,$(sort $(wildcard tests/targets/*.c))) \
	$(patsubst tests/targets/%.cpp,$(B)/targets/%,$(sort $(wildcard tests/targets/*.cpp)))

$(B)/targets/%: tests/targets/%.c
	$(say) TARGET $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(TARGET_CFLAGS) -o $@ $< -ldl -lm

$(B)/targets/%: tests/targets/%.cpp
	$(say) TARGET $@
	@mkdir -p $(@D)
	$(Q)$(CXX) $(TARGET_CFLAGS) -o $@ $< -ldl

# 32 bits; the kernel's headers are the same as for 64.
M32 := -m32 -idirafter /usr/include/x86_64-linux-gnu

# tests/targets/factory/ is one program, again as other links and machines have it.
FLAGS_factory :=
FLAGS_factory-static := -static -DFACTORY_STATIC
FLAGS_factory-32 := $(M32)
FLAGS_factory-32-static := $(M32) -static -DFACTORY_STATIC
FACTORIES := $(addprefix $(B)/targets/,factory factory-static factory-32 factory-32-static)
TARGETS += $(FACTORIES)

$(FACTORIES): $(wildcard tests/targets/factory/*)
	$(say) TARGET $@
	@mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE $(TARGET_CFLAGS) $(FLAGS_$(@F)) -o $@ $(filter %.c,$^) -ldl -lrt

# tests/targets/idle.c also with another libc, and not position-independent.
TARGETS += $(B)/targets/idle-musl $(B)/targets/idle-no-pie

$(B)/targets/idle-musl: tests/targets/idle.c
	$(say) TARGET $@
	@mkdir -p $(@D)
	$(Q)musl-gcc -g -O1 -o $@ $<

$(B)/targets/idle-no-pie: tests/targets/idle.c
	$(say) TARGET $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(TARGET_CFLAGS) -fno-pie -no-pie -o $@ $<

# tests/targets/leak/ for several links and machines, its C++ sister, and libraries that they dlopen().
FLAGS_leak :=
FLAGS_leak-static := -static -DLEAK_STATIC
FLAGS_leak-32 := $(M32)
LEAKS := $(addprefix $(B)/targets/,leak leak-static leak-32)
TARGETS += $(LEAKS) $(addprefix $(B)/targets/,leak_cxx leak_load leak_library.so leak_library-32.so)

$(LEAKS): $(wildcard tests/targets/leak/*)
	$(say) TARGET $@
	@mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE $(TARGET_CFLAGS) $(FLAGS_$(@F)) -o $@ $(filter %.c,$^) -ldl

$(B)/targets/leak_cxx $(B)/targets/leak_load: $(B)/targets/%: tests/targets/%/main.cpp tests/targets/leak/notes.c \
	tests/targets/leak/leak.h
	$(say) TARGET $@
	@mkdir -p $(@D)
	$(Q)$(CXX) -iquote . $(TARGET_CFLAGS) -o $@ $< -x c tests/targets/leak/notes.c

$(B)/targets/leak_library.so $(B)/targets/leak_library-32.so: tests/targets/leak_library/library.c
	$(say) TARGET $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(TARGET_CFLAGS) -fPIC -shared $(if $(findstring -32,$@),$(M32)) -o $@ $<

# tests/targets/containers/, optimized and stripped as programs are that people use.
FLAGS_containers :=
FLAGS_containers-static := -static
FLAGS_containers-32 := $(M32)
CONTAINERS := $(addprefix $(B)/targets/,containers containers-static containers-32)
TARGETS += $(CONTAINERS)

$(CONTAINERS): tests/targets/containers/main.cpp
	$(say) TARGET $@
	@mkdir -p $(@D)
	$(Q)$(CXX) -O2 -Wall -s $(FLAGS_$(@F)) -o $@ $<

# tests/targets/blockers/ and moods/: what a freeze must not harm.
FROZEN := $(addprefix $(B)/targets/,blockers blockers-32 moods moods-32)
TARGETS += $(FROZEN)

$(filter %/blockers %/blockers-32,$(FROZEN)): tests/targets/blockers/blockers.c
$(filter %/moods %/moods-32,$(FROZEN)): tests/targets/moods/moods.c
$(FROZEN):
	$(say) TARGET $@
	@mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE $(TARGET_CFLAGS) $(if $(filter %-32,$@),$(M32)) -o $@ $<

# tests/recorder/ is preloaded into real programs.
RECORDERS := $(addprefix $(B)/recorder/,librecorder.so librecorder-32.so librecorder-sites.so)
$(B)/recorder/librecorder-32.so: private RECORDER_FLAGS := $(M32)
$(B)/recorder/librecorder-sites.so: private RECORDER_FLAGS := -DRECORDER_FRAMES=8 -fno-omit-frame-pointer
$(RECORDERS): tests/recorder/recorder.c tests/recorder/recorder.h
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -g -O2 -Wall -fPIC -fno-builtin -shared $(RECORDER_FLAGS) -o $@ $<

# tests/dying/ is preloaded into a tool.
RECORDERS += $(B)/dying/libdying.so
$(B)/dying/libdying.so: tests/dying/dying.c
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -g -O2 -Wall -fPIC -shared -o $@ $<

# tests/live/test_*.py (unittest) run the program on real targets. B tells them where the build is.
LIVE_TESTS := $(sort $(wildcard tests/live/test_*.py))

# Damaged cores are shown to a sanitized heapwalk, whatever the build.
SANITIZED := $(MAKE) --no-print-directory SAN=address,undefined B=build-san

.PHONY: live
live: $(B)/heapwalk $(TOOLS) $(TARGETS) $(RECORDERS)
	$(Q)+$(SANITIZED) all
	$(Q)B=$(B) tests/run $(LIVE_TESTS)

.PHONY: unit-programs
unit-programs: $(UNIT_TESTS)
	@:

# Everything. The unit tests run a second time under sanitizers; with SAN= given the whole of it does.
ifdef SAN
check_units = $(UNIT_TESTS)
check_build = $(MAKE) --no-print-directory all unit-programs $(TOOLS) $(TARGETS) $(RECORDERS)
else
check_units = $(UNIT_TESTS) $(UNIT_TESTS:$(B)/%=build-san/%)
check_build = $(MAKE) --no-print-directory all unit-programs $(TOOLS) $(TARGETS) $(RECORDERS) && \
	$(SANITIZED) all unit-programs
endif

.PHONY: check
check:
	$(Q)tests/install-packages check
	$(Q)+$(check_build)
	$(Q)B=$(B) tests/run tests/layers.sh $(check_units) $(LIVE_TESTS)

.PHONY: demo
demo:
	$(Q)tests/install-packages demo
	$(Q)$(MAKE) --no-print-directory all $(B)/demo/server
	$(Q)tests/demo/run $(B)

$(B)/demo/server: tests/demo/server.cpp
	$(say) CXX $@
	@mkdir -p $(@D)
	$(Q)$(CXX) -g -O1 -Wall -Wextra -pthread -o $@ $<

.PHONY: bench
bench: $(B)/bench/target $(B)/bench/shapes $(B)/bench/classes $(B)/tools/typing_dump
	$(Q)tests/install-packages bench
	$(Q)$(MAKE) --no-print-directory all
	$(Q)B=$(B) tests/bench/bench
	$(Q)B=$(B) tests/bench/leaks
	$(Q)B=$(B) tests/bench/types

$(B)/bench/target $(B)/bench/shapes: $(B)/bench/%: tests/bench/%.c
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 -Wall -o $@ $<

$(B)/bench/classes: tests/bench/classes.cpp
	$(say) CXX $@
	@mkdir -p $(@D)
	$(Q)$(CXX) -O2 -Wall -o $@ $<

# Real programs with debug information, built from source: minutes, and gigabytes under build/accuracy.
.PHONY: accuracy
accuracy:
	$(Q)tests/install-packages accuracy
	$(Q)$(MAKE) --no-print-directory all $(RECORDERS)
	$(Q)B=$(B) tests/accuracy/build
	$(Q)B=$(B) tests/accuracy/accuracy

.PHONY: lint
lint:
	$(Q)tests/install-packages lint
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tests/lint.sh
