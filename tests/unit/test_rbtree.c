/* SPDX-License-Identifier: MIT */
#include "unit.h"
#include <argon/rbtree.h>

#define N 512

struct item {
    struct rb_node node;
    u32 key, seq;
    bool in;
};

static struct item items[N];
static u64 seed;

static u32 rnd(void)
{
    seed = seed * 6364136223846793005UL + 1442695040888963407UL;
    return (u32)(seed >> 33);
}

static struct item *item(const struct rb_node *n)
{
    return container_of(n, struct item, node);
}

static bool less(const struct rb_node *a, const struct rb_node *b)
{
    return item(a)->key < item(b)->key;
}

/* Black height; checks the red rule and the parent links. */
static int check_node(const struct rb_node *n, const struct rb_node *parent)
{
    int l, r;

    if (n == NULL) {
        return 1;
    }
    assert_ptr_equal(n->parent, parent);
    if (n->red) {
        assert_false(parent == NULL || parent->red);
    }
    l = check_node(n->left, n);
    r = check_node(n->right, n);
    assert_int_equal(l, r);
    return l + !n->red;
}

static void check_tree(const struct rb_root_cached *t, u32 want)
{
    const struct item *prev = NULL;
    u32 n = 0;

    check_node(t->root, NULL);
    for (struct rb_node *p = rb_first(t); p != NULL; p = rb_next(p)) {
        const struct item *it = item(p);

        if (prev != NULL) {
            assert_true(prev->key < it->key || (prev->key == it->key && prev->seq < it->seq));
        }
        prev = it;
        n++;
    }
    assert_int_equal(n, want);
    assert_int_equal(rb_empty(t), want == 0);
}

/* Random inserts and removes, keys from [0, range): many equal ones when it is small. */
static void churn(u32 range, u32 rounds)
{
    struct rb_root_cached t = RB_ROOT_INIT;
    u32 count = 0;

    memset(items, 0, sizeof(items));
    for (u32 i = 0; i < rounds; i++) {
        struct item *it = &items[rnd() % N];

        if (it->in) {
            rb_remove(&t, &it->node);
            count--;
        } else {
            it->key = rnd() % range;
            it->seq = i;
            rb_insert(&t, &it->node, less);
            count++;
        }
        it->in = !it->in;
        if (i % 16 == 0 || count < 4) {
            check_tree(&t, count);
        }
    }
    while (!rb_empty(&t)) {                  /* as a timer queue is emptied: always the first */
        item(rb_first(&t))->in = false;
        rb_remove(&t, rb_first(&t));
        check_tree(&t, --count);
    }
    assert_null(rb_first(&t));
}

static void test_random(void **state)
{
    (void)state;
    seed = 1;
    churn(~0u, 6000);
    churn(5, 6000);
    churn(100, 6000);
}

static void test_equal_keys_keep_order(void **state)
{
    struct rb_root_cached t = RB_ROOT_INIT;
    u32 i = 0;

    (void)state;
    memset(items, 0, sizeof(items));
    for (u32 k = 0; k < 50; k++) {
        items[k].seq = k;
        rb_insert(&t, &items[k].node, less);
    }
    for (struct rb_node *p = rb_first(&t); p != NULL; p = rb_next(p)) {
        assert_int_equal(item(p)->seq, i++);
    }
    assert_int_equal(i, 50);
}

static void test_depth(void **state)
{
    struct rb_root_cached t = RB_ROOT_INIT;
    u32 depth = 0;

    (void)state;
    memset(items, 0, sizeof(items));
    for (u32 k = 0; k < N; k++) {            /* rising keys: the worst case without balancing */
        items[k].key = k;
        rb_insert(&t, &items[k].node, less);
    }
    for (u32 k = 0; k < N; k++) {
        u32 d = 0;

        for (struct rb_node *p = &items[k].node; p != NULL; p = p->parent) {
            d++;
        }
        depth = MAX(depth, d);
    }
    assert_true(depth <= 2 * 10);            /* 2 log2(n + 1) */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random), cmocka_unit_test(test_equal_keys_keep_order), cmocka_unit_test(test_depth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
