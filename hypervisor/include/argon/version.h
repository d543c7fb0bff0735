/* SPDX-License-Identifier: MIT */
/* What Argon says of itself: xen_version and hypfs. Each string fits its field of the ABI (public version.h). */
#ifndef ARGON_VERSION_H
#define ARGON_VERSION_H

struct version_info {
    const char *extra;           /* < 16 */
    const char *changeset;       /* < 64 */
    const char *capabilities;    /* < 1024 */
    const char *compiler;        /* < 64 */
    const char *compile_by;      /* < 16 */
    const char *compile_domain;  /* < 32 */
    const char *compile_date;    /* < 32 */
};
extern const struct version_info version_info;

#endif
