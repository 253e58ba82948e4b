"""The run as a picture: what was served, how fast, by which group not, and which fault went on meanwhile."""
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

from faults import clocks, disks, network, orders, processes  # noqa: E402

GROUPS = [("processes", processes, "#4c72b0"), ("network", network, "#dd8452"), ("disks and power", disks, "#c44e52"), ("clocks", clocks, "#8172b3"),
          ("orders", orders, "#64b5cd")]
COLOR = {f.NAME: color for _, module, color in GROUPS for f in module.FAULTS}
SERVED, ERRORS, P50, P99, GAP = "#2a7f4f", "#b02a30", "#2a7f4f", "#d98c1f", "#b02a30"
MINIMUM_SHOWN = 0.004  # of the time axis: shorter things would not be seen


def shade(ax, episodes):
    for e in episodes:
        for i in e.faults:
            ax.axvspan(i.began, max(i.ended, i.began + 0.2), color=COLOR[i.fault.NAME], alpha=0.13, lw=0, zorder=0)


def draw_rates(ax, rows, changes):
    seconds = [r[0] for r in rows]
    ax.fill_between(seconds, [r[1] for r in rows], step="post", color=SERVED, alpha=0.3, lw=0, zorder=1)
    ax.step(seconds, [r[1] for r in rows], where="post", color=SERVED, lw=1, label="served")
    ax.step(seconds, [r[2] for r in rows], where="post", color=ERRORS, lw=1, label="failed or unknown")
    top = max([r[1] for r in rows] + [1])
    for at in {round(c[0]) for c in changes}:
        ax.plot([at], [top * 1.06], marker="v", color="black", ms=3, clip_on=False, label="_")
    ax.plot([], [], marker="v", color="black", ms=3, lw=0, label="new leader")
    ax.set_ylabel("operations per second")
    ax.set_ylim(0, top * 1.1)
    ax.legend(loc="upper right", bbox_to_anchor=(1, 1.13), ncol=3, frameon=False, fontsize=8)


def draw_latency(ax, rows):
    for column, color, name in ((3, P50, "p50"), (4, P99, "p99")):
        ax.step([r[0] for r in rows], [r[column] or float("nan") for r in rows], where="post", color=color, lw=1, label=name)
    ax.set_yscale("log")
    ax.set_ylabel("latency, ms")
    ax.legend(loc="upper right", bbox_to_anchor=(1, 1.18), ncol=2, frameon=False, fontsize=8)


def draw_gaps(ax, tables, found, end):
    for y, table in enumerate(tables):
        ax.broken_barh([(0, end)], (y - 0.32, 0.64), color="#d9e8df", lw=0, zorder=-1)
        ax.broken_barh([(a, max(b - a, end * MINIMUM_SHOWN / 4)) for a, b in found.get(table, [])], (y - 0.32, 0.64), color=GAP, lw=0, zorder=2)
    ax.set_yticks(range(len(tables)), tables, fontsize=8)
    ax.invert_yaxis()
    ax.set_ylabel("nothing served")


def draw_faults(ax, episodes, end):
    names = [n for _, module, _ in GROUPS for n in (f.NAME for f in module.FAULTS) if any(i.fault.NAME == n for e in episodes for i in e.faults)]
    for y, name in enumerate(names):
        spans = [(i.began, max(i.ended - i.began, end * MINIMUM_SHOWN)) for e in episodes for i in e.faults if i.fault.NAME == name]
        ax.broken_barh(spans, (y - 0.32, 0.64), color=COLOR[name], lw=0)
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(axis="y", color="#eeeeee", lw=0.6)
    ax.set_ylabel("faults, orders")
    ax.set_xlabel("seconds")
    return len(names)


def draw(path, title, rows, found, tables, episodes, changes, end):
    kinds = len({i.fault.NAME for e in episodes for i in e.faults})
    heights = [3, 2.2, 0.4 + 0.22 * len(tables), 0.4 + 0.2 * max(kinds, 1)]
    figure, axes = plt.subplots(4, 1, sharex=True, figsize=(min(40, max(12, end / 45)), sum(heights) + 1.2), height_ratios=heights,
                                layout="constrained")
    draw_rates(axes[0], rows, changes)
    draw_latency(axes[1], rows)
    draw_gaps(axes[2], tables, found, end)
    draw_faults(axes[3], episodes, end)
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_axisbelow(True)
    for ax in axes[:3]:
        shade(ax, episodes)
    axes[0].set_xlim(0, end)
    axes[0].set_title(title, loc="left", fontsize=10)
    figure.align_ylabels(axes)
    figure.savefig(path, dpi=110)
    plt.close(figure)
