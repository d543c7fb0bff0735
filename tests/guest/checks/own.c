/* SPDX-License-Identifier: MIT */
/* What the hypervisor itself takes of the memory, guest by guest. test_guest.py reads what debug key H says. */
#include "check.h"
#include "console.h"
#include "domctl.h"
#include "domu.h"
#include "timer.h"

#define GUEST_BLOCKS 128u /* 256 MiB */

/* Free pages, then the figures. wanted: how many there are to be again; 0: whatever there are. */
static uint64_t show(const char *what, uint64_t wanted)
{
    uint64_t free = wanted && WAIT_FOR(free_pages() == wanted, patience_ms) ? wanted : free_pages_settled();

    CHECK("physinfo", free != 0);
    print("# own: %s: %lu KiB free\n", what, (unsigned long)free * 4);
    CHECK_EQ("debug-key", 0, debug_key('H'));
    return free;
}

static void memory(void)
{
    static const unsigned vcpus[] = { 1, 8 };
    domid_t domid;
    uint64_t before;

    /* The first one fills caches of the allocator, which are not its. */
    REQUIRE("first", domu_build(&domid, 8, GUEST_BLOCKS));
    domu_destroy_bare(domid);
    for (unsigned i = 0; i < 2; i++) {
        before = show("before", 0);
        REQUIRE("created", domu_build(&domid, vcpus[i], GUEST_BLOCKS));
        (void)show(vcpus[i] == 1 ? "guest of 1 vCPU" : "guest of 8 vCPUs", 0);
        domu_destroy_bare(domid);
        CHECK_EQ("all-comes-back", before, show("after", before));
    }
}

const struct test tests_own[] = {
    { "own.memory", memory, 0, 0 },
    { 0 },
};
