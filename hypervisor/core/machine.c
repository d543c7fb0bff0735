/* SPDX-License-Identifier: MIT */
/* The one description of the machine: firmware/ fills it. */
#include <argon/machine.h>

struct machine machine;
