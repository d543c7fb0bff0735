/* SPDX-License-Identifier: MIT */
/*
 * A QEMU plugin that counts executed instructions, each by itself, between two marks in the guest.
 *
 * A mark is MOVZ XZR, #n, which does nothing and which no compiler makes. 0xA000 + 2 * id starts window `id` (every
 * count goes to zero), 0xA001 + 2 * id ends it: the counts are then written to DIR/id.counts as records of four
 * 64-bit words, virtual address, physical address, count and code of one instruction. There may be several records for
 * one instruction.
 *
 * With code=START-END (hexadecimal virtual addresses, END excluded) also what the instructions there load and store:
 * DIR/id.lines has records of two words, virtual line (address / 64) and accesses to it; line ~0 is all of devices.
 *
 * The first mark begins the counting, a little later than its window; until then nothing is slowed down. The scripts
 * give it to a window that nobody reads. Unlike the virtual clock, the counts do not move while every CPU sleeps.
 * QEMU runs all CPUs in one thread under -icount, so that counters need no lock.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is used of version 1 of QEMU's plugin interface (docs/devel/tcg-plugins); Debian does not package the header. */
typedef uint64_t plugin_id_t;
struct qemu_info;
struct tb;
struct insn;
enum { CB_NO_REGISTERS = 0, INLINE_ADD_U64 = 0, MEM_READ_WRITE = 3 };

extern size_t qemu_plugin_tb_n_insns(const struct tb *tb);
extern struct insn *qemu_plugin_tb_get_insn(const struct tb *tb, size_t index);
extern const void *qemu_plugin_insn_data(const struct insn *insn);
extern uint64_t qemu_plugin_insn_vaddr(const struct insn *insn);
extern void *qemu_plugin_insn_haddr(const struct insn *insn);
struct hwaddr;
extern void qemu_plugin_register_vcpu_mem_cb(struct insn *insn,
                                             void (*cb)(unsigned int cpu, uint32_t info, uint64_t vaddr, void *data),
                                             int flags, int rw, void *data);
extern struct hwaddr *qemu_plugin_get_hwaddr(uint32_t info, uint64_t vaddr);
extern bool qemu_plugin_hwaddr_is_io(const struct hwaddr *hwaddr);
extern void qemu_plugin_reset(plugin_id_t id, void (*cb)(plugin_id_t id));
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id_t id, void (*cb)(plugin_id_t id, struct tb *tb));
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct insn *insn, void (*cb)(unsigned int cpu, void *data),
                                                   int flags, void *data);
extern void qemu_plugin_register_vcpu_insn_exec_inline(struct insn *insn, int op, void *counter, uint64_t addend);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;
__attribute__((visibility("default")))
int qemu_plugin_install(plugin_id_t id, const struct qemu_info *info, int argc, char **argv);

#define MARK_MASK    0xffe0001fu
#define MARK_MOVZ    0xd280001fu
#define MARK_FIRST   0xa000u
#define MARK_LAST    0xa0ffu

/* QEMU's virt board: RAM begins here, and the CPU's first instruction is there too. */
#define RAM_BASE     0x40000000u

/* One translation; an instruction may be in several. They are kept for ever, since QEMU does not say when one goes. */
struct block {
    struct block *next;
    uint64_t vaddr;
    uint64_t paddr;
    uint64_t n;
    uint32_t *codes;
    uint64_t counts[];
};

/* Lines that were loaded from or stored to: open addressing, never full. */
#define LINE_SHIFT   6
#define NR_LINES     65536u
#define DEVICE_LINE  UINT64_MAX

static struct line { uint64_t line, count; } lines[NR_LINES];
static uint64_t code_start, code_end;

static struct block *blocks;
static const char *directory = ".";
static uintptr_t ram;
static plugin_id_t self;
static bool counting;

static void translated(plugin_id_t plugin, struct tb *tb);

/* Everything translated so far is gone: what is translated from here on counts. */
static void count_from_here(plugin_id_t plugin)
{
    counting = true;
    qemu_plugin_register_vcpu_tb_trans_cb(plugin, translated);
}

static void window_start(void)
{
    if (!counting) {
        qemu_plugin_reset(self, count_from_here);
        return;
    }
    for (struct block *b = blocks; b; b = b->next) {
        memset(b->counts, 0, b->n * sizeof(b->counts[0]));
    }
    memset(lines, 0, sizeof(lines));
}

static void accessed(unsigned int cpu, uint32_t info, uint64_t vaddr, void *data)
{
    struct hwaddr *hw = qemu_plugin_get_hwaddr(info, vaddr);
    uint64_t line = hw && qemu_plugin_hwaddr_is_io(hw) ? DEVICE_LINE : vaddr >> LINE_SHIFT;
    uint64_t at = line * 0x9e3779b97f4a7c15ull >> 48;

    (void)cpu;
    (void)data;
    for (unsigned int tries = 0; tries < NR_LINES; tries++, at = (at + 1) % NR_LINES) {
        if (lines[at].count == 0 || lines[at].line == line) {
            lines[at].line = line;
            lines[at].count++;
            return;
        }
    }
    abort();
}

static FILE *window_file(unsigned int id, const char *what)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%u.%s", directory, id, what);
    file = fopen(path, "wb");
    if (!file) {
        perror(path);
        exit(1);
    }
    return file;
}

static void window_close(FILE *file)
{
    if (fclose(file)) {
        perror(directory);
        exit(1);
    }
}

static void write_lines(unsigned int id)
{
    FILE *file = window_file(id, "lines");

    for (unsigned int i = 0; i < NR_LINES; i++) {
        if (lines[i].count) {
            fwrite(&lines[i], sizeof(lines[i]), 1, file);
        }
    }
    window_close(file);
}

static void window_end(unsigned int id)
{
    FILE *file = window_file(id, "counts");

    for (struct block *b = blocks; b; b = b->next) {
        for (uint64_t i = 0; i < b->n; i++) {
            uint64_t record[4] = { b->vaddr + 4 * i, b->paddr + 4 * i, b->counts[i], b->codes[i] };

            if (b->counts[i]) {
                fwrite(record, sizeof(record), 1, file);
            }
        }
    }
    window_close(file);
    if (code_end != 0) {
        write_lines(id);
    }
}

static void mark_executed(unsigned int cpu, void *data)
{
    unsigned int number = (unsigned int)(uintptr_t)data;

    (void)cpu;
    if (number & 1) {
        window_end(number / 2);
    } else {
        window_start();
    }
}

static struct block *block_make(uint64_t vaddr, uint64_t paddr, uint64_t n)
{
    struct block *b = calloc(1, sizeof(*b) + n * sizeof(b->counts[0]));

    if (!b || !(b->codes = calloc(n, sizeof(b->codes[0])))) {
        abort();
    }
    b->vaddr = vaddr;
    b->paddr = paddr;
    b->n = n;
    b->next = blocks;
    blocks = b;
    return b;
}

static void translated(plugin_id_t plugin, struct tb *tb)
{
    size_t n = qemu_plugin_tb_n_insns(tb);
    struct insn *insn = qemu_plugin_tb_get_insn(tb, 0);
    uintptr_t host = (uintptr_t)qemu_plugin_insn_haddr(insn);
    uint64_t vaddr = qemu_plugin_insn_vaddr(insn);
    struct block *b = NULL;

    (void)plugin;
    if (!ram) {
        ram = host - (uintptr_t)(vaddr - RAM_BASE);
    }
    if (counting) {
        b = block_make(vaddr, host - ram + RAM_BASE, n);
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t code, imm;

        insn = qemu_plugin_tb_get_insn(tb, i);
        memcpy(&code, qemu_plugin_insn_data(insn), sizeof(code));
        imm = code >> 5 & 0xffff;
        if ((code & MARK_MASK) == MARK_MOVZ && imm >= MARK_FIRST && imm <= MARK_LAST) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, mark_executed, CB_NO_REGISTERS,
                                                   (void *)(uintptr_t)(imm - MARK_FIRST));
        }
        if (b) {
            b->codes[i] = code;
            qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64, &b->counts[i], 1);
            if (vaddr >= code_start && vaddr < code_end) {
                qemu_plugin_register_vcpu_mem_cb(insn, accessed, CB_NO_REGISTERS, MEM_READ_WRITE, NULL);
            }
        }
    }
}

int qemu_plugin_install(plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "dir=", 4)) {
            directory = strdup(argv[i] + 4);
        } else if (sscanf(argv[i], "code=%" SCNx64 "-%" SCNx64, &code_start, &code_end) == 2) {
            continue;
        } else {
            fprintf(stderr, "plugin: what is %s?\n", argv[i]);
            return 1;
        }
    }
    self = id;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
