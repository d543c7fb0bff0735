/* SPDX-License-Identifier: MIT */
/* Circular doubly linked list, links embedded in the members. Callers lock. */
#ifndef ARGON_LIST_H
#define ARGON_LIST_H

#include <argon/types.h>

struct list_head {
    struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name) { &(name), &(name) }

static inline void list_init(struct list_head *h)
{
    h->next = h;
    h->prev = h;
}

static inline bool list_empty(const struct list_head *h)
{
    return h->next == h;
}

static inline void list_insert_between(struct list_head *n, struct list_head *prev, struct list_head *next)
{
    n->prev = prev;
    n->next = next;
    prev->next = n;
    next->prev = n;
}

/* Insert at the front. */
static inline void list_add(struct list_head *n, struct list_head *h)
{
    list_insert_between(n, h, h->next);
}

/* Insert at the end; with a member as `h`, before that member. */
static inline void list_add_tail(struct list_head *n, struct list_head *h)
{
    list_insert_between(n, h->prev, h);
}

/* Remove; the member may be removed again or tested with list_empty(). */
static inline void list_del(struct list_head *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first_entry(h, type, member) list_entry((h)->next, type, member)

#define list_for_each_entry(pos, h, member) \
    for ((pos) = list_entry((h)->next, __typeof__(*(pos)), member); &(pos)->member != (h); \
         (pos) = list_entry((pos)->member.next, __typeof__(*(pos)), member))

#define list_for_each_entry_reverse(pos, h, member) \
    for ((pos) = list_entry((h)->prev, __typeof__(*(pos)), member); &(pos)->member != (h); \
         (pos) = list_entry((pos)->member.prev, __typeof__(*(pos)), member))

/* As the first; the member visited may be removed. */
#define list_for_each_entry_safe(pos, tmp, h, member) \
    for ((pos) = list_entry((h)->next, __typeof__(*(pos)), member), \
         (tmp) = list_entry((pos)->member.next, __typeof__(*(pos)), member); &(pos)->member != (h); \
         (pos) = (tmp), (tmp) = list_entry((tmp)->member.next, __typeof__(*(tmp)), member))

#endif
