#!/bin/sh
# SPDX-License-Identifier: MIT
# The guest's first process (rdinit=).
echo "create: first process"
exec sleep 1000000
