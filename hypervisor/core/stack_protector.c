/* SPDX-License-Identifier: MIT */
/*
 * Debian's libfdt.a was compiled with the stack protector and refers to these two by the names the compiler gives them.
 * It runs during boot only and reads a device tree that firmware made, so a constant guard with a NUL byte in it (which
 * stops string copies) is enough.
 */
#include <argon/panic.h>

extern const uintptr_t __stack_chk_guard;
noreturn_fn void __stack_chk_fail(void);

const uintptr_t __stack_chk_guard = (uintptr_t)UINT64_C(0x5a17e0a600c3d291);

void __stack_chk_fail(void)
{
    panic("stack overrun detected in libfdt");
}
