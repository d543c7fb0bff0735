/* SPDX-License-Identifier: MIT */
#include "unit.h"
#include <argon/list.h>

struct item {
    int v;
    struct list_head link;
};

static void assert_values(struct list_head *h, const int *want, int n)
{
    struct item *it;
    struct list_head *back = h->prev;
    int i = 0;

    list_for_each_entry(it, h, link) {
        assert_true(i < n);
        assert_int_equal(it->v, want[i++]);
    }
    assert_int_equal(i, n);
    while (i > 0) {
        assert_int_equal(list_entry(back, struct item, link)->v, want[--i]);
        back = back->prev;
    }
    assert_ptr_equal(back, h);
}

static void test_order(void **state)
{
    struct list_head h = LIST_HEAD_INIT(h);
    struct item a = { .v = 1 }, b = { .v = 2 }, c = { .v = 3 }, d = { .v = 4 };

    (void)state;
    assert_true(list_empty(&h));
    list_add_tail(&b.link, &h);
    list_add_tail(&c.link, &h);
    list_add(&a.link, &h);
    assert_values(&h, (int[]){ 1, 2, 3 }, 3);
    list_add_tail(&d.link, &c.link);         /* before a member */
    assert_values(&h, (int[]){ 1, 2, 4, 3 }, 4);
    assert_int_equal(list_first_entry(&h, struct item, link)->v, 1);
}

static void test_delete(void **state)
{
    struct list_head h;
    struct item items[4];
    struct item *it, *tmp;

    (void)state;
    list_init(&h);
    for (int i = 0; i < 4; i++) {
        items[i].v = i;
        list_add_tail(&items[i].link, &h);
    }
    list_del(&items[1].link);
    assert_true(list_empty(&items[1].link));
    list_del(&items[1].link);                /* again: harmless */
    assert_values(&h, (int[]){ 0, 2, 3 }, 3);
    list_for_each_entry_safe(it, tmp, &h, link) {
        if (it->v != 2) {
            list_del(&it->link);
        }
    }
    assert_values(&h, (int[]){ 2 }, 1);
    list_del(&items[2].link);
    assert_true(list_empty(&h));
    list_for_each_entry(it, &h, link) {
        fail();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_order), cmocka_unit_test(test_delete) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
