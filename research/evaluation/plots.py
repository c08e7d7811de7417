"""Draws the results file as SVG pictures."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt  # noqa: E402  (after the choice of what draws)
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

import report  # noqa: E402

# Text stays text, and ids are made from a fixed salt: files are small, and the same results give the same file.
plt.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "bm", "font.family": "sans-serif", "font.size": 9,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#e4e4e4", "axes.axisbelow": True,
})  # fmt: skip

# Okabe and Ito's colours, then Tol's: distinguishable with any colour vision. Each method has a marker shape too.
COLOURS = ("#999999", "#0072b2", "#56b4e9", "#009e73", "#d55e00", "#cc79a7", "#e69f00", "#000000", "#882255", "#44aa99", "#332288", "#999933",
           "#ddaa33", "#aa4499", "#117733")  # fmt: skip
SHAPES = ("s", "o", "v", "D", "^", "P", "X", "*", "<", ">", "h", "d", "p", "H", "8")
LEGEND = 7  # names per row
RETENTIONS = (50, 70, 80, 90, 95)


def style(methods: list[str], method: str) -> dict:
    """Colour and marker of a method."""
    place = methods.index(method) % len(COLOURS)
    return {"color": COLOURS[place], "marker": SHAPES[place]}


def of_both_classes(results: dict) -> list[str]:
    """Names of the sets that contain both good and bad reads."""
    return [name for name in report.in_order(results["sets"]) if 0 < results["sets"][name]["good_share"] < 1]


def sizes(methods: list[str], method: str) -> dict:
    """Line widths that shrink from method to method, so that curves that coincide are all visible."""
    place = methods.index(method)
    return {"lw": max(3.0 - 0.45 * place, 0.8), "ms": max(6.5 - 0.7 * place, 2.5)}


def dots(axes: Axes, results: dict, methods: list[str], names: list[str], key: str, title: str) -> None:
    """One row per set; one dot with its interval per method."""
    step = 0.8 / len(methods)
    for place, method in enumerate(methods):
        for row, name in enumerate(names):
            triple = results["sets"][name]["judged"].get(method, {}).get("figures", {}).get(key, [None] * 3)
            if triple[0] is None:
                continue
            y = row + (place - (len(methods) - 1) / 2) * step
            look = style(methods, method)
            if triple[1] is not None:
                axes.plot(triple[1:], [y, y], color=look["color"], lw=1.2, solid_capstyle="butt")
            axes.plot(triple[0], y, ls="", ms=4, label=method if row == 0 else None, **look)
    for row in range(0, len(names), 2):
        axes.axhspan(row - 0.5, row + 0.5, color="#f6f6f6", lw=0, zorder=0)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.set_title(title, loc="left", fontsize=10)


def verdicts(results: dict) -> Figure:
    """MCC and AUC of every method on every set."""
    methods, names = report.methods(results["sets"]), of_both_classes(results)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 1.6 + (0.2 + 0.037 * len(methods)) * len(names)), sharey=True, layout="constrained")
    dots(left, results, methods, names, "mcc", "MCC of the verdict")
    dots(right, results, methods, names, "auc", "AUC of the ranking")
    right.axvline(0.5, color="#888888", lw=0.8, ls=":")
    handles = [plt.Line2D([], [], ls="", ms=5, label=method, **style(methods, method)) for method in methods]
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), LEGEND), frameon=False, fontsize=8)
    figure.supxlabel("Is the read good (errors / scored bases ≤ 1 %)? Bars: 95 % intervals", fontsize=9)
    return figure


def panels(names: list[str], columns: int = 4) -> tuple[Figure, list[Axes]]:
    """One small panel per set; the rest of the last row stays empty."""
    rows = -(-len(names) // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(9.5, 0.9 + 2.05 * rows), layout="constrained", squeeze=False)
    axes = list(grid.flat)
    for unused in axes[len(names) :]:
        unused.set_visible(False)
    for each, name in zip(axes, names):
        each.set_title(name, loc="left", fontsize=8)
        each.tick_params(labelsize=7.5)
    return figure, axes[: len(names)]


def retention(results: dict) -> Figure:
    """Fraction of bad reads among the kept, by the fraction of reads kept."""
    methods, names = report.methods(results["sets"]), of_both_classes(results)
    figure, axes = panels(names)
    for each, name in zip(axes, names):
        s = results["sets"][name]
        for method in methods:
            if method in s["judged"]:
                fractions = [100 * s["judged"][method]["figures"][f"bad_at_{r}"][0] for r in RETENTIONS]
                each.plot(RETENTIONS, fractions, **sizes(methods, method), **style(methods, method))
        each.axhline(100 * (1 - s["good_share"]), color="#888888", lw=0.8, ls=":")
        each.set_ylim(0, 1.12 * 100 * (1 - s["good_share"]))
        each.set_xticks(RETENTIONS)
    handles = [plt.Line2D([], [], lw=1.2, ms=4, label=method, **style(methods, method)) for method in methods]
    handles.append(plt.Line2D([], [], color="#888888", lw=0.8, ls=":", label="keeping all"))
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), LEGEND), frameon=False, fontsize=8)
    figure.supxlabel("reads kept, best first, %", fontsize=9)
    figure.supylabel("bad reads among the kept, %", fontsize=9)
    return figure


def reliability(results: dict) -> Figure:
    """Measured errors per base by predicted errors per base, for the methods that predict errors."""
    sets = results["sets"]
    methods = report.methods(sets)
    # Both EE rules predict the same errors, so only the first is drawn.
    drawn = [method for method in methods if any(s["judged"].get(method, {}).get("reliability") for s in sets.values()) and method != "EE <= 1"]
    names = [name for name in report.in_order(sets) if any(sets[name]["judged"].get(j, {}).get("reliability") for j in drawn)]
    figure, axes = panels(names)
    low, high = 2e-5, 0.6
    for each, name in zip(axes, names):
        each.plot([low, high], [low, high], color="#888888", lw=0.8, ls=":")
        for method in drawn:
            curve = [bin for bin in sets[name]["judged"].get(method, {}).get("reliability", []) if bin["reads"] >= 20]
            # A bin without an error cannot be drawn on a log scale; it is a hollow dot at the lower border.
            y = [max(bin["measured"], low) for bin in curve]
            look = style(methods, method)
            each.plot([bin["predicted"] for bin in curve], y, lw=1.2, ms=3.5, **look)
            none = [(bin["predicted"], low) for bin in curve if bin["measured"] == 0]
            if none:
                each.plot(*zip(*none), ls="", ms=3.5, mfc="white", **look)
        each.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
        each.set_xticks([1e-4, 1e-3, 1e-2, 1e-1])
        each.set_yticks([1e-4, 1e-3, 1e-2, 1e-1])
        each.minorticks_off()
    labels = {method: "EE" if method == "EE/len <= 1 %" else method for method in drawn}
    handles = [plt.Line2D([], [], lw=1.2, ms=4, label=labels[method], **style(methods, method)) for method in drawn]
    handles.append(plt.Line2D([], [], color="#888888", lw=0.8, ls=":", label="measured as predicted"))
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), LEGEND), frameon=False, fontsize=8)
    figure.supxlabel("predicted errors per base (bins of at least 20 reads)", fontsize=9)
    figure.supylabel("measured errors per scored base", fontsize=9)
    return figure


def draw(results: dict, folder: Path) -> list[Path]:
    """Write every plot into ``folder``."""
    paths = []
    for function in (verdicts, retention, reliability):
        figure = function(results)
        path = folder / f"{function.__name__}.svg"
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
        paths.append(path)
    return paths
