/* SPDX-License-Identifier: MIT */
/* gzip, by zlib's inflate. It takes its memory through the hooks here. */
#define ZLIB_CONST
#include <argon/boot.h>
#include <argon/errno.h>
#include <argon/mem.h>
#include <zlib.h>

#define GZIP_ONLY (15 + 16)      /* windowBits: 32 KiB window, gzip header required */
#define PIECE     0x40000000u    /* zlib counts in 32 bits */

static boot_code voidpf hook_alloc(voidpf opaque, uInt items, uInt size)
{
    (void)opaque;
    return xzalloc_array_bytes(items, size);
}

static boot_code void hook_free(voidpf opaque, voidpf p)
{
    (void)opaque;
    xfree(p);
}

/* Inflate until the end or until output is full. */
static boot_code int run(z_stream *z, size_t n, size_t room)
{
    int r = Z_OK;

    while (r == Z_OK) {
        uInt in = (uInt)MIN(n, (size_t)PIECE), space = (uInt)MIN(room, (size_t)PIECE);

        z->avail_in = in;
        z->avail_out = space;
        /* Z_FINISH tells inflate that output stays where it is, so it needs no window of its own when all fits. */
        r = inflate(z, in == n && space == room ? Z_FINISH : Z_NO_FLUSH);
        n -= in - z->avail_in;
        room -= space - z->avail_out;
    }
    if (r == Z_STREAM_END) {
        return 0;
    }
    return r == Z_MEM_ERROR ? -ENOMEM : r == Z_BUF_ERROR && room == 0 ? -ENOSPC : -EINVAL;
}

boot_code int gunzip(const void *src, size_t n, void *dst, size_t room, size_t *out)
{
    z_stream z = { .next_in = src, .next_out = dst, .zalloc = hook_alloc, .zfree = hook_free };
    int r;

    *out = 0;
    r = inflateInit2(&z, GZIP_ONLY);
    if (r != Z_OK) {
        return r == Z_MEM_ERROR ? -ENOMEM : -EINVAL;
    }
    r = run(&z, n, room);
    *out = z.total_out;
    (void)inflateEnd(&z);
    return r;
}
