# SPDX-License-Identifier: MIT
# make            build/argon-arm64 (arm64 Image) and build/argon-arm64.elf; CC=clang, DEBUG=1
# make demo       Debian dom0 and a Debian guest on Argon in QEMU
# make test       unit, package, guest and system tests, lints, both compilers: unit, package-test, guest-test, system-test, lint,
#                 check-compilers alone
# make deb        the Debian package, build/deb/argon-hypervisor_VERSION_arm64.deb
# make test-installed  that package on an installed Debian with UEFI, GRUB and ACPI or a device tree
# make test-long  what is too long for that: all mutations, errata=all everywhere, suites again and again under load
# make mutate     the mutations alone (MUTATE="event grant/": a part of them)
# make fuzz       libFuzzer over the parsers of ACPI's tables (FUZZ_SECONDS=60)
# make bench      instruction counts beside Debian's Xen and KVM (BENCH="--gic 3 --no-kvm": a part of it)
# make bench-io   a Debian guest's disk and network, by instructions, beside Debian's Xen
# make bench-create  time of `xl create`, beside Debian's Xen (BENCH=--update-docs)
ROOT    := $(CURDIR)
B       := build
# Headers and libraries for arm64: fetched, but where they are given (debian/rules).
SYSROOT := $(B)/sysroot-arm64
SYSROOT_STAMP := $(if $(filter command%,$(origin SYSROOT)),,$(B)/.sysroot-arm64.stamp)
CROSS   ?= aarch64-linux-gnu-
DEBUG   ?= 0

ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(CC),clang)
TCC := clang --target=aarch64-linux-gnu
TAG := clang
else
TCC := $(CROSS)gcc
TAG := gcc
endif
LD      := $(CROSS)ld
OBJCOPY := $(CROSS)objcopy
NM      := $(CROSS)nm
READELF := $(CROSS)readelf
ifeq ($(DEBUG),1)
TAG := $(TAG)-debug
endif
OUT     := $(B)/obj-$(TAG)
IMAGE   ?= $(B)/argon-arm64

WARN := -Wall -Wextra -Werror -Wshadow -Wundef -Wvla -Wmissing-prototypes -Wstrict-prototypes -Wimplicit-fallthrough \
        -Wcast-qual -Wconversion -Wno-sign-conversion
ifeq ($(CC),clang)
WARN += -Wno-unused-command-line-argument -Wno-gnu-statement-expression -Wno-shorten-64-to-32 -Wno-implicit-int-conversion
endif
CFLAGS := -std=gnu11 -O2 -g -ffreestanding -fno-pie -fno-common -fno-stack-protector -fno-asynchronous-unwind-tables \
          -fno-omit-frame-pointer -mgeneral-regs-only -ffixed-x18 -mstrict-align -mno-outline-atomics -march=armv8-a \
          -fno-strict-aliasing -mfix-cortex-a53-835769 -fno-delete-null-pointer-checks -ffunction-sections -fdata-sections \
          -DCONFIG_DEBUG=$(DEBUG) $(WARN) -isystem $(SYSROOT)/usr/include \
          -Ihypervisor/include -Ihypervisor/arch/arm/include -Ihypervisor/arch/arm/arm64/include -I$(OUT)/include
ifneq ($(CC),clang)
CFLAGS += -fno-tree-loop-distribute-patterns
endif

DIRS := lib core core/domain core/vcpu core/sched core/event core/grant core/mem core/hypercall core/hypercall/domctl \
        core/hypercall/sysctl core/time core/irq core/smp core/console vdev vdev/vgic drivers/irqchip drivers/uart \
        firmware firmware/fdt firmware/acpi firmware/efi boot boot/build boot/efi arch/arm arch/arm/arm64
CSRC := $(sort $(foreach d,$(DIRS),$(wildcard hypervisor/$(d)/*.c)))
SSRC := $(sort $(foreach d,$(DIRS),$(wildcard hypervisor/$(d)/*.S)))
CSRC := $(filter-out %/asm-offsets.c,$(CSRC))
OBJS := $(patsubst hypervisor/%.c,$(OUT)/%.o,$(CSRC)) $(patsubst hypervisor/%.S,$(OUT)/%.o,$(SSRC))
LDS  := hypervisor/arch/arm/arm64/argon.lds
LIBS := $(SYSROOT)/usr/lib/aarch64-linux-gnu/libfdt.a $(SYSROOT)/usr/lib/aarch64-linux-gnu/libz.a
# Cortex-A53 errata that only compiler and linker can work around, in any code (docs/design/errata.md).
LDFIX := --fix-cortex-a53-843419 --fix-cortex-a53-835769

.PHONY: all image clean demo test unit guest-test system-test deb package-test test-installed bench bench-io bench-create lint check-compilers
all: image
image: $(IMAGE)

$(B)/.sysroot-arm64.stamp:
	@scripts/sysroot.sh

# Whatever was built last by another compiler or with DEBUG=1 may be newer: the ELF decides.
.PHONY: always
always:
$(IMAGE): $(OUT)/argon.elf always
	@cmp -s $< $@.elf && [ -s $@ ] || { $(OBJCOPY) -O binary $< $@ && cp $< $@.elf && \
	    echo "  IMAGE   $@ ($$(stat -c %s $@) bytes)"; }

$(OUT)/argon.elf: $(OBJS) $(LDS) scripts/layers.py scripts/position.py
	@echo "  LD      $@"
	@scripts/layers.py $(NM) $(OUT) $(OBJS)
	@scripts/position.py $(READELF) $(OUT) $(OBJS) $(LIBS)
	@$(LD) -T $(LDS) --gc-sections -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments --fatal-warnings \
	    $(LDFIX) -o $@ $(OBJS) $(LIBS)

# Runs where firmware loaded it: no tables of addresses in place of a switch (scripts/position.py looks). To clang the first
# flag means both, and the second nothing.
$(OUT)/boot/efi/%.o: CFLAGS += -fno-jump-tables
ifneq ($(CC),clang)
$(OUT)/boot/efi/%.o: CFLAGS += -fno-tree-switch-conversion
endif

$(OUT)/%.o: hypervisor/%.c $(SYSROOT_STAMP) $(OUT)/include/asm/offsets.h
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(TCC) $(CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/%.o: hypervisor/%.S $(SYSROOT_STAMP) $(OUT)/include/asm/offsets.h
	@mkdir -p $(@D)
	@echo "  AS      $<"
	@$(TCC) $(CFLAGS) -D__ASSEMBLY__ -MMD -MP -c $< -o $@

# Offsets of C structure members for the assembler: compiled to assembly, the markers picked out.
$(OUT)/include/asm/offsets.h: hypervisor/arch/arm/arm64/asm-offsets.c $(wildcard hypervisor/include/*/*.h) \
    $(wildcard hypervisor/arch/arm/include/asm/*.h hypervisor/arch/arm/arm64/include/asm/*.h) $(SYSROOT_STAMP)
	@mkdir -p $(@D)
	@$(TCC) $(CFLAGS) -S $< -o $@.s
	@sed -n 's/^.*@offset \([A-Z0-9_]*\) [#$$]*\(-\{0,1\}[0-9]*\).*$$/#define \1 \2/p' $@.s > $@

-include $(OBJS:.o=.d)
# Flags, or what is linked, may have changed.
$(OBJS) $(OUT)/include/asm/offsets.h $(OUT)/argon.elf: Makefile

# For clangd, clang-tidy and editors.
compile_commands.json: Makefile
	@{ echo '['; sep=; for f in $(CSRC); do \
	    printf '%s\n{"directory": "$(ROOT)", "file": "%s", "command": "%s"}' "$$sep" "$$f" \
	        "clang --target=aarch64-linux-gnu $(filter-out -fno-tree-loop-distribute-patterns,$(CFLAGS)) -c $$f"; \
	    sep=,; done; echo ']'; } > $@

# ---- set-up, demonstration and tests: each installs or builds what it needs, and says so ----
PYTEST := /usr/bin/python3 -m pytest -p no:cacheprovider
.PHONY: setup images
setup:
	@scripts/setup.sh

images: setup
	@scripts/images/build.sh

demo: setup
	@/usr/bin/python3 scripts/demo.py

# Says what is missing; installs nothing.
unit: $(B)/.sysroot-arm64.stamp
	@scripts/setup.sh --check make gcc libc6-dev libcmocka-dev libfdt-dev zlib1g-dev
	@$(MAKE) --no-print-directory -C tests/unit

guest-test: setup image
	@$(MAKE) --no-print-directory -C tests/guest
	@$(PYTEST) tests/guest
	@$(PYTEST) bench

system-test: setup image images
	@$(PYTEST) tests/system

deb: setup
	@scripts/deb.sh

# Contents and scripts of the package.
package-test: deb
	@$(PYTEST) tests/package

# INSTALLED="-k gic3": a part of it; INSTALLED=--peer: Debian's Xen in place of Argon.
INSTALLED ?=
test-installed:
	@scripts/setup.sh --installed
	@scripts/installed/disk.sh
	@scripts/deb.sh
	@$(PYTEST) tests/installed $(INSTALLED)

lint: setup
	@scripts/lint.sh

# Both compilers, release and checked.
check-compilers: setup
	@$(MAKE) --no-print-directory CC=gcc image
	@$(MAKE) --no-print-directory CC=gcc DEBUG=1 IMAGE=$(B)/argon-arm64-debug image
	@$(MAKE) --no-print-directory CC=clang IMAGE=$(B)/argon-arm64-clang image
	@$(MAKE) --no-print-directory CC=clang DEBUG=1 IMAGE=$(B)/argon-arm64-clang-debug image

test: check-compilers
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory package-test
	@$(MAKE) --no-print-directory guest-test
	@$(MAKE) --no-print-directory system-test

# Change one place at a time, and see that a test notices: MUTATE="event" a part of it.
MUTATE ?=
.PHONY: mutate test-long
mutate: setup
	@/usr/bin/python3 scripts/mutate.py $(MUTATE)

# LONG="load": a part of it; LONG_RUNS: of each suite under load.
LONG ?= mutate errata load
test-long: setup image images
	@$(MAKE) --no-print-directory -C tests/guest
	@$(MAKE) --no-print-directory -C tests/unit build
	@scripts/test-long.sh $(LONG)

FUZZ_SECONDS ?= 60
.PHONY: fuzz
fuzz: $(B)/.sysroot-arm64.stamp
	@scripts/setup.sh --check make clang libclang-rt-14-dev libcmocka-dev libfdt-dev
	@$(MAKE) --no-print-directory -C tests/fuzz SECONDS=$(FUZZ_SECONDS)

BENCH ?=
bench: setup image images
	@$(MAKE) --no-print-directory -C bench
	@$(MAKE) --no-print-directory -C bench/io
	@bench/kvm/build.sh
	@/usr/bin/python3 bench/run.py $(BENCH)

bench-create: setup image images
	@$(MAKE) --no-print-directory -C bench/create
	@/usr/bin/python3 bench/create/main.py $(BENCH)

bench-io: setup image images
	@$(MAKE) --no-print-directory -C bench/io
	@/usr/bin/python3 bench/io/main.py

clean:
	rm -rf $(B)/obj-* $(B)/argon-arm64* $(B)/tests
