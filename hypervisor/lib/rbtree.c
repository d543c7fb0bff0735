/* SPDX-License-Identifier: MIT */
/*
 * Red-black tree. The rules: the root is black; a red node has black children; every path from a node down to a missing
 * child has the same number of black nodes. So the longest path is at most twice the shortest. A missing child (NULL)
 * counts as black.
 */
#include <argon/rbtree.h>

static bool is_red(const struct rb_node *n)
{
    return n != NULL && n->red;
}

/* Put `child` (may be NULL) where `old` hangs below `parent` (NULL: the root). */
static void replace_child(struct rb_root_cached *t, struct rb_node *parent, const struct rb_node *old,
                          struct rb_node *child)
{
    if (parent == NULL) {
        t->root = child;
    } else if (parent->left == old) {
        parent->left = child;
    } else {
        parent->right = child;
    }
}

/* n goes down on the left (right) side, its right (left) child takes its place. In-order sequence unchanged. */
static void rotate(struct rb_root_cached *t, struct rb_node *n, bool left)
{
    struct rb_node *up = left ? n->right : n->left;
    struct rb_node *inner = left ? up->left : up->right;

    replace_child(t, n->parent, n, up);
    up->parent = n->parent;
    n->parent = up;
    if (left) {
        n->right = inner;
        up->left = n;
    } else {
        n->left = inner;
        up->right = n;
    }
    if (inner != NULL) {
        inner->parent = n;
    }
}

/* n was inserted red: move a red-red pair up until it is gone or can be rotated away. */
void rb_insert_rebalance(struct rb_root_cached *t, struct rb_node *n)
{
    struct rb_node *p;

    while ((p = n->parent) != NULL && p->red) {
        struct rb_node *g = p->parent;               /* exists: p is red, so not the root */
        bool p_left = g->left == p;
        struct rb_node *uncle = p_left ? g->right : g->left;

        if (is_red(uncle)) {
            p->red = false;
            uncle->red = false;
            g->red = true;
            n = g;
            continue;
        }
        if (n == (p_left ? p->right : p->left)) {    /* inner grandchild: make it the outer one */
            rotate(t, p, p_left);
            p = n;
        }
        p->red = false;
        g->red = true;
        rotate(t, g, !p_left);
        break;
    }
    t->root->red = false;
}

/*
 * The path through n (may be NULL), child of p, lacks one black node. Borrow one from the sibling's side or pass the
 * lack upwards.
 */
static void remove_fix(struct rb_root_cached *t, struct rb_node *n, struct rb_node *p)
{
    while (p != NULL && !is_red(n)) {
        bool left = p->left == n;
        struct rb_node *s = left ? p->right : p->left;   /* exists: its side has a black node more */
        struct rb_node *outer;

        if (s->red) {
            s->red = false;
            p->red = true;
            rotate(t, p, left);
            s = left ? p->right : p->left;
        }
        if (!is_red(s->left) && !is_red(s->right)) {
            s->red = true;
            n = p;
            p = n->parent;
            continue;
        }
        outer = left ? s->right : s->left;
        if (!is_red(outer)) {
            outer = s;
            rotate(t, s, !left);
            s = s->parent;
            s->red = false;
            outer->red = true;
        }
        s->red = p->red;
        p->red = false;
        outer->red = false;
        rotate(t, p, left);
        return;
    }
    if (n != NULL) {
        n->red = false;
    }
}

void rb_remove_inner(struct rb_root_cached *t, struct rb_node *n)
{
    struct rb_node *child, *parent;
    bool lost_black;

    if (t->leftmost == n) {
        t->leftmost = rb_next(n);
    }
    if (n->left != NULL && n->right != NULL) {
        struct rb_node *s = n->right;                    /* successor: takes n's place and colour */

        while (s->left != NULL) {
            s = s->left;
        }
        child = s->right;
        parent = s->parent;
        lost_black = !s->red;
        if (parent == n) {
            parent = s;
        } else {
            parent->left = child;
            s->right = n->right;
            s->right->parent = s;
        }
        if (child != NULL) {
            child->parent = parent;
        }
        s->left = n->left;
        s->left->parent = s;
        s->parent = n->parent;
        s->red = n->red;
        replace_child(t, n->parent, n, s);
    } else {
        child = n->left != NULL ? n->left : n->right;
        parent = n->parent;
        lost_black = !n->red;
        if (child != NULL) {
            child->parent = parent;
        }
        replace_child(t, parent, n, child);
    }
    if (lost_black) {
        remove_fix(t, child, parent);
    }
}

struct rb_node *rb_next(const struct rb_node *n)
{
    struct rb_node *p;

    if (n->right != NULL) {
        p = n->right;
        while (p->left != NULL) {
            p = p->left;
        }
        return p;
    }
    for (p = n->parent; p != NULL && n == p->right; p = p->parent) {
        n = p;
    }
    return p;
}
