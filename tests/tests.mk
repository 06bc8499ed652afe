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

$(B)/unit/heapwalk/%: $(B)/obj/tests/unit/heapwalk/%.o $(call archive,heapwalk) $(call archive,inspector)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_check) $(LIBS_inspector) -lm

$(B)/unit/report/%: $(B)/obj/tests/unit/report/%.o $(ARCHIVES)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_check) $(LIBS_report) $(LIBS_unwind) $(LIBS_inspector)

.SECONDARY:

.PHONY: unit
unit: $(UNIT_TESTS)
	@failed=0; for t in $^; do $$t || failed=1; done; exit $$failed

# tests/tools/X.c is a small program of the tests' own that links every layer.
TOOLS := $(patsubst tests/tools/%.c,$(B)/tools/%,$(sort $(wildcard tests/tools/*.c)))

$(B)/tools/%: $(B)/obj/tests/tools/%.o $(ARCHIVES)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_report) $(LIBS_unwind) $(LIBS_inspector)

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

# tests/live/test_*.py (unittest) run the program on real targets. B tells them where the build is.
.PHONY: live
live: $(B)/heapwalk $(TOOLS) $(TARGETS)
	B=$(B) python3 -m unittest discover -s tests/live -p 'test_*.py'
