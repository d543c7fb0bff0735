/* SPDX-License-Identifier: MIT */
/*
 * firmware/acpi under libFuzzer: see tests/unit/acpi_fuzz.h, which says what an input is, what has to hold, and makes
 * the inputs to begin with. The folder in FUZZ_SEEDS gets those before the first run.
 */
#include "unit.h"
#include "acpi_fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Messages are formatted, for what their arguments lead to, and not printed. */
void log_at(enum log_level level, const char *fmt, ...)
{
    static char text[512];
    va_list ap;

    (void)level;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
}

void assert_failed(const char *expr, const char *file, unsigned int line)
{
    fprintf(stderr, "%s:%u: %s\n", file, line, expr);
    abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *dir = getenv("FUZZ_SEEDS");

    (void)argc;
    (void)argv;
    for (u32 i = 0; dir != NULL && fuzz_seed(i); i++) {
        char path[512];
        FILE *f;

        snprintf(path, sizeof(path), "%s/begin-%u", dir, i);
        f = fopen(path, "wb");
        if (f == NULL || fwrite(seed_buf, 1, seed_size, f) != seed_size || fclose(f) != 0) {
            perror(path);
            exit(1);
        }
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    (void)fuzz_one(data, n);
    return 0;
}
