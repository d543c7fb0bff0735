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

/* The rest of an insertion below a red parent, and of a removal, which change more than a leaf. */
void rb_insert_rebalance(struct rb_root_cached *t, struct rb_node *n);
void rb_remove_inner(struct rb_root_cached *t, struct rb_node *n);

/* Insert; less(a, b) orders nodes; equal keys keep insertion order. Inline, so that less() is too. */
static always_inline void rb_insert(struct rb_root_cached *t, struct rb_node *n,
                                    bool (*less)(const struct rb_node *, const struct rb_node *))
{
    struct rb_node **link = &t->root, *parent = NULL;
    bool leftmost = true;

    while (*link != NULL) {
        parent = *link;
        if (less(n, parent)) {
            link = &parent->left;
        } else {
            link = &parent->right;
            leftmost = false;
        }
    }
    n->parent = parent;
    n->left = NULL;
    n->right = NULL;
    n->red = parent != NULL;             /* the root is black */
    *link = n;
    if (leftmost) {
        t->leftmost = n;
    }
    if (parent != NULL && parent->red) {
        rb_insert_rebalance(t, n);
    }
}

/* A leaf that is red, or alone, goes without being missed: no path loses a black node. */
static always_inline void rb_remove(struct rb_root_cached *t, struct rb_node *n)
{
    struct rb_node *parent = n->parent;

    if (n->left != NULL || n->right != NULL || (!n->red && parent != NULL)) {
        rb_remove_inner(t, n);
        return;
    }
    if (t->leftmost == n) {
        t->leftmost = parent;            /* a leaf's successor, if it is its parent's left child or the root */
    }
    if (parent == NULL) {
        t->root = NULL;
    } else if (parent->left == n) {
        parent->left = NULL;
    } else {
        parent->right = NULL;
    }
}

/* In-order successor, NULL at the end. */
struct rb_node *rb_next(const struct rb_node *n);

static inline struct rb_node *rb_first(const struct rb_root_cached *t) { return t->leftmost; }
static inline bool rb_empty(const struct rb_root_cached *t) { return t->root == NULL; }

#endif
