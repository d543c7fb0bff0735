/* SPDX-License-Identifier: MIT */
/* The device tree of a dom0 that has ACPI's tables: what it cannot know from them. */
#include "dom0.h"

#include <argon/errno.h>
#include <argon/mem.h>
#include <argon/string.h>
#include <libfdt.h>
#include "build/fdt.h"

/* What is random in /chosen of the host's tree is dom0's, as with a whole tree. */
static boot_code void put_seeds(struct fdt_writer *out, const struct dt *dt)
{
    static const char *const seeds[] = { "kaslr-seed", "rng-seed" };
    static const char chosen[] = "/chosen";
    struct dt_walk *w = dt != NULL ? xzalloc(struct dt_walk) : NULL;

    if (w != NULL && dt_walk_to_path(w, dt, chosen, sizeof(chosen) - 1)) {
        for (size_t i = 0; i < ARRAY_SIZE(seeds); i++) {
            struct dt_prop p = dt_get(dt, dt_node(w)->off, seeds[i]);

            fdtw_prop(out, seeds[i], &p);
        }
    }
    xfree(w);
}

boot_code int dom0_stub_build(const struct dom0_fdt *in, void *buf, size_t size)
{
    struct fdt_writer out = { .addr_cells = 2, .size_cells = 2 };

    fdtw_start(&out, buf, size);
    fdtw_begin(&out, "");
    fdtw_u32(&out, "#address-cells", out.addr_cells);
    fdtw_u32(&out, "#size-cells", out.size_cells);
    fdtw_begin(&out, "chosen");
    put_seeds(&out, in->dt);
    fdtw_boot_props(&out, in->cmdline, in->initrd, in->initrd_size);
    fdtw_end(&out);
    fdtw_begin_hypervisor(&out, NULL, 0, 0);
    fdtw_uefi(&out, in->efi);
    fdtw_end(&out);
    fdtw_end(&out);
    return fdtw_finish(&out, "dom0");
}
