/* SPDX-License-Identifier: MIT */
/* The EFI application's own options, and the names of its configuration file. */
#include "efi.h"

#include <argon/string.h>

static boot_code bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static boot_code char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Firmware's file systems do not tell capital letters from others. */
static boot_code bool same_name(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (lower(a[i]) != lower(b[i])) {
            return false;
        }
    }
    return true;
}

static boot_code size_t stem_length(const char *program)
{
    size_t n = strlen(program);

    return n > 4 && same_name(program + n - 4, ".efi", 4) ? n - 4 : n;
}

/* Is this word the program itself, as its user typed it: with or without directory and .efi? */
static boot_code bool is_program(const char *word, const char *program)
{
    const char *last = word;
    size_t n;

    for (const char *p = word; *p != '\0'; p++) {
        if (*p == '\\' || *p == '/' || *p == ':') {
            last = p + 1;
        }
    }
    n = stem_length(last);
    return n != 0 && n == stem_length(program) && same_name(last, program, n);
}

/* The word at *p, terminated, and *p behind it; NULL at the end. */
static boot_code char *next_word(char **p)
{
    char *word = *p, *end;

    while (is_blank(*word)) {
        word++;
    }
    for (end = word; *end != '\0' && !is_blank(*end); end++) {
    }
    *p = end;
    if (*end != '\0') {
        *end = '\0';
        *p = end + 1;
    }
    return *word != '\0' ? word : NULL;
}

static boot_code void take_option(const char *word, struct efi_options *out)
{
    if (strncmp(word, "-cfg=", 5) == 0) {
        out->config = word + 5;
    } else if (strcmp(word, "-help") == 0 || strcmp(word, "-?") == 0) {
        out->help = true;
    } else if (strcmp(word, "-basevideo") != 0 && out->unknown == NULL) {
        out->unknown = word;             /* -basevideo: video modes are left alone anyway */
    }
}

boot_code void efi_parse_options(char *line, const char *program, struct efi_options *out)
{
    bool first = true;
    char *word;

    *out = (struct efi_options){ .rest = "" };
    while ((word = next_word(&line)) != NULL) {
        if (strcmp(word, "--") == 0) {
            while (is_blank(*line)) {
                line++;
            }
            out->rest = line;
            return;
        }
        if (*word == '-') {
            take_option(word, out);
        } else if (!first || !is_program(word, program)) {
            if (out->section == NULL) {
                out->section = word;
            } else if (out->unknown == NULL) {
                out->unknown = word;
            }
        }
        first = false;
    }
}

boot_code bool efi_config_name(const char *program, unsigned int n, char *out)
{
    size_t len = stem_length(program);

    for (; n != 0; n--) {
        while (len > 0 && program[len - 1] != '.' && program[len - 1] != '-' && program[len - 1] != '_') {
            len--;
        }
        if (len == 0) {
            return false;
        }
        len--;
    }
    if (len == 0 || len + 5 > EFI_NAME_MAX) {
        return false;
    }
    memcpy(out, program, len);
    memcpy(out + len, ".cfg", 5);
    return true;
}
