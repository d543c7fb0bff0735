/* SPDX-License-Identifier: MIT */
/* Numbers from guests that choose an element of a table, where a CPU runs ahead of the check. */
#ifndef ARGON_NOSPEC_H
#define ARGON_NOSPEC_H

#include <argon/types.h>
#include <asm/cpu.h>

/*
 * i, which has been checked to be below n, is below n also where the CPU runs ahead of that check; then it may be another number. Where
 * n is a constant power of two its low bits are that number: no operand of an AND lets the result be more, whatever has been predicted
 * before it. Tables that are asked often have such a length. n is not 0.
 */
static always_inline u64 index_nospec(u64 i, u64 n)
{
    if (__builtin_constant_p(n) && (n & (n - 1)) == 0 && n <= BIT(31)) {
        u32 low = (u32)i;

        __asm__("" : "+r"(low));         /* the compiler has seen the check, and would leave the AND out */
        return low & (u32)(n - 1);
    }
    return arch_index_nospec(i, n);
}

#endif
