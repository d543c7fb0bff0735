/* SPDX-License-Identifier: MIT */
/* For files of arch/arm in unit tests: "physical" addresses of tables are their host addresses. */
#ifndef ASM_LAYOUT_H
#define ASM_LAYOUT_H

#define HYP_DIRECTMAP_VA 0UL

#endif
