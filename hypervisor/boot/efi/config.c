/* SPDX-License-Identifier: MIT */
/*
 * The configuration file: [section] lines, and key=value lines in them; a line that begins with # is a comment. Read
 * in place: preparing it makes each line a string, and everything else looks for strings.
 */
#include "efi.h"

#include <argon/string.h>

static boot_code bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* What is wrong with the line [at, end), which begins and ends with something else than a blank; NULL: nothing. */
static boot_code const char *line_fault(const char *at, const char *end)
{
    const char *p = at;

    if (*at == '[') {
        return end - at > 2 && end[-1] == ']' ? NULL : "a section is not [NAME]";
    }
    while (p < end && *p != '=') {
        p++;
    }
    return p == end ? "neither [SECTION] nor KEY=VALUE" : p == at ? "nothing before =" : NULL;
}

/* Blanks at both ends of a line, and comments, become NULs. */
static boot_code const char *prepare_line(char *at, char *end)
{
    while (at < end && is_blank(*at)) {
        *at++ = '\0';
    }
    while (end > at && is_blank(end[-1])) {
        *--end = '\0';
    }
    if (at < end && *at == '#') {
        memset(at, 0, (size_t)(end - at));
        return NULL;
    }
    return at < end ? line_fault(at, end) : NULL;
}

boot_code const char *efi_config_prepare(char *text, u64 size, unsigned int *line)
{
    char *end = text + size;

    *line = 1;
    if (memchr(text, '\0', (size_t)size) != NULL || (size != 0 && (u8)*text >= 0x80)) {
        return "not ASCII text (UTF-16, or a byte order mark)";
    }
    for (char *at = text; at < end; (*line)++) {
        char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *fault;

        if (newline == NULL) {
            newline = end;
        }
        *newline = '\0';
        fault = prepare_line(at, newline);
        if (fault != NULL) {
            return fault;
        }
        at = newline + 1;
    }
    return NULL;
}

/* The next string at or after p, NULL at the end. */
static boot_code const char *next_line(const char *p, const char *end)
{
    while (p < end && *p == '\0') {
        p++;
    }
    return p < end ? p : NULL;
}

static boot_code bool is_section(const char *line, const char *name)
{
    size_t n = strlen(name);

    return line[0] == '[' && strncmp(line + 1, name, n) == 0 && line[n + 1] == ']' && line[n + 2] == '\0';
}

/* key=value, with blanks allowed round the =: the value, or NULL. */
static boot_code const char *value_of(const char *line, const char *key)
{
    size_t n = strlen(key);

    if (strncmp(line, key, n) != 0) {
        return NULL;
    }
    for (line += n; is_blank(*line); line++) {
    }
    if (*line != '=') {
        return NULL;
    }
    for (line++; is_blank(*line); line++) {
    }
    return line;
}

boot_code const char *efi_config_get_in(const char *text, u64 size, const char *section, const char *key)
{
    const char *end = text + size;
    bool here = *section == '\0';

    for (const char *p = text; (p = next_line(p, end)) != NULL; p += strlen(p)) {
        const char *value;

        if (*p == '[') {
            here = *section == '\0' || is_section(p, section);
            continue;
        }
        value = here ? value_of(p, key) : NULL;
        if (value != NULL) {
            return value;
        }
    }
    return NULL;
}

boot_code const char *efi_config_get(const char *text, u64 size, const char *section, const char *key)
{
    const char *value = efi_config_get_in(text, size, section, key);

    return value != NULL ? value : efi_config_get_in(text, size, "global", key);
}

/* ucode= and video= are Xen's, for other machines. A table of names would have addresses in it. */
static boot_code bool is_known(const char *line)
{
    return *line == '[' || value_of(line, "default") != NULL || value_of(line, "chain") != NULL ||
           value_of(line, "options") != NULL || value_of(line, "kernel") != NULL || value_of(line, "ramdisk") != NULL ||
           value_of(line, "xsm") != NULL || value_of(line, "dtb") != NULL || value_of(line, "ucode") != NULL ||
           value_of(line, "video") != NULL;
}

boot_code const char *efi_config_next_unknown(const char *text, u64 size, const char *after)
{
    const char *end = text + size, *p = after != NULL ? after + strlen(after) : text;

    while ((p = next_line(p, end)) != NULL && is_known(p)) {
        p += strlen(p);
    }
    return p;
}

boot_code bool efi_config_has_section(const char *text, u64 size, const char *section)
{
    const char *end = text + size;

    for (const char *p = text; (p = next_line(p, end)) != NULL; p += strlen(p)) {
        if (is_section(p, section)) {
            return true;
        }
    }
    return false;
}
