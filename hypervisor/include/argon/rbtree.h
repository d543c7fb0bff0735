/* SPDX-License-Identifier: MIT */
/*
 * Red-black tree with a cached leftmost node: O(log n) insert and remove, O(1) minimum. Nodes embedded; callers lock.
 */
#ifndef ARGON_RBTREE_H
#define ARGON_RBTREE_H

#include <argon/types.h>

struct rb_node {
    struct rb_node *parent, *left, *right;
    bool red;
};

struct rb_root_cached {
    struct rb_node *root;
    struct rb_node *leftmost;
};

#define RB_ROOT_INIT { NULL, NULL }

/* Insert; less(a, b) orders nodes; equal keys keep insertion order. */
void rb_insert(struct rb_root_cached *t, struct rb_node *n, bool (*less)(const struct rb_node *,
                                                                         const struct rb_node *));
void rb_remove(struct rb_root_cached *t, struct rb_node *n);
/* In-order successor, NULL at the end. */
struct rb_node *rb_next(const struct rb_node *n);

static inline struct rb_node *rb_first(const struct rb_root_cached *t) { return t->leftmost; }
static inline bool rb_empty(const struct rb_root_cached *t) { return t->root == NULL; }

#endif
