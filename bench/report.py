# SPDX-License-Identifier: MIT
"""Tables of results as text and Markdown, and the chart. Results are dicts: hypervisor -> row -> instructions."""
import math
import re

from rows import HYPERVISORS, ROWS, SCALING_ROWS

TEXT = {row.id: row.text for row in ROWS}


def number(value):
    if value is None:
        return "-"
    return f"{value / 1e6:.1f} M" if value >= 1000000 else str(value)


def ratio(xen, argon):
    return f"{xen / argon:.1f}x" if argon and xen else "-"


def misses(row, results):
    value = results["argon"].get(row.id)
    return value is None or bool(row.goal) and value > row.goal


def main_cells(results):
    """Header and lines: operation, the hypervisors, goal, ratio of Xen's to Argon's."""
    header = ["operation", *HYPERVISORS.values(), "goal", "ratio"]
    lines = []
    for row in ROWS:
        values = [results.get(name, {}).get(row.id) for name in HYPERVISORS]
        lines.append([row.text, *map(number, values), number(row.goal) + (" !" if misses(row, results) else ""),
                      ratio(values[1], values[0])])
    return header, lines


def scaling_cells(scaling, loads):
    """Header and lines: operation, then for each hypervisor one column a load."""
    header = ["operation"] + [f"{HYPERVISORS[name]}: {load.text}" if i == 0 else load.text
                              for name in ("argon", "xen") for i, load in enumerate(loads)]
    lines = [[TEXT[row], *(number(scaling[load.id].get(name, {}).get(row))
                           for name in ("argon", "xen") for load in loads)]
             for row in SCALING_ROWS]
    return header, lines


def as_text(cells):
    header, lines = cells
    widths = [max(len(line[i]) for line in [header, *lines]) for i in range(len(header))]
    return "\n".join("  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
                     for line in [header, *lines])


def as_markdown(cells):
    header, lines = cells
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in [header, rule, *lines])


def replace_between(text, name, content):
    """The text with what is between `<!-- name -->` and `<!-- end name -->` replaced."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end {name} -->)", re.S)
    if not pattern.search(text):
        raise ValueError(f"no place for {name}")
    return pattern.sub(lambda found: found[1] + content + "\n" + found[2], text)


COLOURS = {"argon": "#1b7f5c", "xen": "#8a93a6", "kvm_nvhe": "#d39a3c", "kvm_vhe": "#b5543c"}
CHART_ROWS = ["hypercall", "psci", "id_register", "mmio", "sgi_self", "sgi_running", "timer", "event_self",
              "event_domains", "event_domains_2", "give_and_take", "grant", "foreign_map", "switch", "ping_pong"]
LEFT, TOP, PLOT, BAR, GAP = 290, 64, 520, 9, 12


def text_element(x, y, text, anchor="start", size=12):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escaped}</text>'


def legend(names):
    parts = []
    for i, name in enumerate(names):
        x = LEFT + i * 110
        parts.append(f'<rect x="{x}" y="34" width="12" height="12" fill="{COLOURS[name]}"/>')
        parts.append(text_element(x + 17, 45, HYPERVISORS[name]))
    return parts


def grid(scale, top, height):
    parts = []
    for value in top:
        x = f"{scale(value):.1f}"
        parts.append(f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{TOP + height}" stroke="#d8dce3"/>')
        parts.append(text_element(scale(value), TOP + height + 16, str(value), "middle", 11))
    return parts


def chart(results, title):
    """Grouped bars, one group a row, on a logarithmic scale."""
    def scale(value):
        return LEFT + PLOT * (math.log10(max(value, low)) - math.log10(low)) / (math.log10(high) - math.log10(low))

    names = [name for name in HYPERVISORS if results.get(name)]
    values = [results[name][row] for name in names for row in CHART_ROWS if results[name].get(row)]
    low, high = 10, 10 ** math.ceil(math.log10(max(values)))
    parts, y = [], TOP + GAP / 2
    for row in CHART_ROWS:
        bars = [(name, results[name][row]) for name in names if results[name].get(row)]
        parts.append(text_element(LEFT - 8, y + len(bars) * BAR / 2 + 4, TEXT[row], "end"))
        for name, value in bars:
            parts.append(f'<rect x="{LEFT}" y="{y:.1f}" width="{scale(value) - LEFT:.1f}" height="{BAR - 1}" '
                         f'fill="{COLOURS[name]}"/>')
            parts.append(text_element(scale(value) + 4, y + BAR - 1.5, str(value), size=9))
            y += BAR
        y += GAP
    height = y - TOP
    lines = [10 ** n for n in range(int(math.log10(low)), int(math.log10(high)) + 1)]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + PLOT + 60}" height="{TOP + height + 30:.0f}" '
        'font-family="sans-serif" fill="#222">',
        '<rect width="100%" height="100%" fill="#fff"/>', text_element(LEFT, 20, title, size=14),
        *legend(names), *grid(scale, lines, height), *parts, "</svg>"]) + "\n"
