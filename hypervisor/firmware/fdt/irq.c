/* SPDX-License-Identifier: MIT */
/*
 * Interrupt specifiers that go to the GIC (Devicetree Specification 2.4; binding arm,gic-v3: <type number flags ...>,
 * type 0 = SPI, 1 = PPI; flags 3:0 = 1 or 2 edge, 4 or 8 level).
 */
#include <argon/dt.h>
#include <argon/irqchip.h>

enum { STAGE_OWN, STAGE_MAP, STAGE_END };

boot_code bool dt_gic_irq(const u8 *spec, u32 cells, struct dt_irq *out)
{
    struct dt_prop p = { .data = spec, .len = cells * 4 };
    u32 type, number, flags;

    if (cells < 3 || !dt_cell(&p, 0, &type) || !dt_cell(&p, 1, &number) || !dt_cell(&p, 2, &flags)) {
        return false;
    }
    if (type == 0 && number < 1020 - 32) {
        out->intid = number + 32;
    } else if (type == 1 && number < 16) {
        out->intid = number + 16;
    } else {
        return false;            /* extended ranges and what is not defined */
    }
    out->edge = (flags & 3) != 0;
    return true;
}

static boot_code const struct dt_intc *find_intc(const struct dt *dt, u32 phandle)
{
    for (u32 i = 0; i < dt->nr_intc; i++) {
        if (dt->intc[i].phandle == phandle) {
            return &dt->intc[i];
        }
    }
    return NULL;
}

/*
 * Specifier at c->pos bytes, of `cells` cells: true with *out if it is whole and understood; *more says whether to go
 * on.
 */
static boot_code bool take_spec(const struct dt_prop *p, u32 cells, bool wanted, struct dt_irq_cursor *c,
                                struct dt_irq *out, bool *more)
{
    const u8 *spec = p->data + c->pos;

    *more = cells != 0 && p->len - c->pos >= cells * 4;
    if (!*more) {
        return false;
    }
    c->pos += cells * 4;
    return wanted && dt_gic_irq(spec, cells, out);
}

static boot_code bool next_plain(const struct dt_walk *w, u32 gic, struct dt_irq_cursor *c, struct dt_irq *out)
{
    const struct dt_node *n = dt_node(w);
    /* A GIC that nothing refers to has no phandle; its own interrupts are in its own format. */
    const struct dt_intc *intc = find_intc(w->dt, n->irq_parent);
    u32 cells = intc != NULL ? intc->irq_cells : n->irq_cells;
    bool more = n->irq_parent == gic && n->interrupts.data != NULL;

    while (more) {
        if (take_spec(&n->interrupts, cells, true, c, out, &more)) {
            return true;
        }
    }
    return false;
}

static boot_code bool next_extended(const struct dt_walk *w, u32 gic, struct dt_irq_cursor *c, struct dt_irq *out)
{
    const struct dt_prop *p = &dt_node(w)->interrupts_extended;
    const struct dt_intc *intc;
    bool more = true;
    u32 phandle;

    while (more && dt_cell(&(struct dt_prop){ p->data + c->pos, p->len - c->pos }, 0, &phandle)) {
        intc = find_intc(w->dt, phandle);
        if (intc == NULL) {
            return false;        /* of unknown length: what follows cannot be read */
        }
        c->pos += 4;
        if (take_spec(p, intc->irq_cells, phandle == gic, c, out, &more)) {
            return true;
        }
    }
    return false;
}

/* interrupt-map: <child address, child specifier, parent phandle, parent address, parent specifier> ... */
static boot_code bool next_mapped(const struct dt_walk *w, u32 gic, struct dt_irq_cursor *c, struct dt_irq *out)
{
    const struct dt_node *n = dt_node(w);
    const struct dt_prop *p = &n->interrupt_map;
    u32 skip = ((n->has_addr_cells ? n->addr_cells : 0) + n->irq_cells) * 4, phandle;
    bool more = true;

    while (more && p->len - c->pos >= skip + 4) {
        const struct dt_intc *intc;

        c->pos += skip;
        if (!dt_cell(&(struct dt_prop){ p->data + c->pos, p->len - c->pos }, 0, &phandle)) {
            return false;
        }
        intc = find_intc(w->dt, phandle);
        if (intc == NULL || p->len - c->pos < 4 + intc->addr_cells * 4) {
            return false;
        }
        c->pos += 4 + intc->addr_cells * 4;
        if (take_spec(p, intc->irq_cells, phandle == gic, c, out, &more)) {
            return true;
        }
    }
    return false;
}

boot_code bool dt_next_irq(const struct dt_walk *w, struct dt_irq_cursor *c, struct dt_irq *out)
{
    const struct dt_node *n = dt_node(w);
    u32 gic = w->dt->gic_phandle;

    if (c->stage == STAGE_OWN) {
        if (n->interrupts_extended.data != NULL ? next_extended(w, gic, c, out) : next_plain(w, gic, c, out)) {
            return true;
        }
        c->stage = STAGE_MAP;
        c->pos = 0;
    }
    if (c->stage == STAGE_MAP) {
        if (n->interrupt_map.data != NULL && next_mapped(w, gic, c, out)) {
            return true;
        }
        c->stage = STAGE_END;
    }
    return false;
}
