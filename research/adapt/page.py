"""Renders the results files as README.md and pictures. Every number on the page comes from these files."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402

EVALUATION = Path(__file__).resolve().parents[1] / "evaluation"
sys.path.append(str(EVALUATION))
import own_labels  # noqa: E402
import plots  # noqa: E402, F401  (for its matplotlib settings)
import report  # noqa: E402
import rules  # noqa: E402

REPORTED, START, ADAPTED = "EE", "start", "adapted"
FIGURES = {"mcc": "MCC", "auc": "AUC", "log2_ratio": "abs log2(predicted/true errors)"}
LOOKS = {REPORTED: {"color": "#999999", "ls": ":"}, START: {"color": "#d55e00", "ls": "--"}, ADAPTED: {"color": "#0072b2", "ls": "-"}}


def size_of(figures: dict, key: str) -> float | None:
    """A figure; for the logarithm, its absolute value."""
    value = figures[key]
    return abs(value) if key == "log2_ratio" and value is not None else value


def grouped(points: list[dict], by: str) -> dict[float, list[dict]]:
    """Points by coverage or by size; the seeds of one value together."""
    groups: dict[float, list[dict]] = {}
    for point in points:
        groups.setdefault(point[by], []).append(point)
    return dict(sorted(groups.items()))


def mean_and_range(values: list[float | None], digits: int = 3) -> str:
    """``0.533 (0.514 to 0.552)``, mean and range over seeds; a dash if a value is missing."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return "–"
    return report.with_interval([sum(known) / len(known), min(known), max(known)], digits)


def choices(points: list[dict]) -> str:
    """The gate's choices, as ``2 adapted, 1 start``."""
    chosen = [point["choice"] for point in points]
    return ", ".join(f"{chosen.count(choice)} {choice}" for choice in dict.fromkeys(chosen))


def plain(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def curve_rows(curve: dict, by: str, label) -> list[list[str]]:
    """One row per coverage or size: the gate's choices, and the figures of reported qualities, of the start, and after adapting."""
    rows = []
    for at, points in grouped(curve[ADAPTED], by).items():
        row = [label(at, points[0]), choices(points), mean_and_range([100 * point["share_labelled"] for point in points], 1)]
        for key in FIGURES:
            of_others = [plain(size_of(curve[who], key)) for who in (REPORTED, START)]
            row += [*of_others, mean_and_range([size_of(point["figures"], key) for point in points])]
        rows.append(row)
    return rows


HEAD = [f"{figure}, {who}" for figure in ("MCC", "AUC", "abs log2") for who in (REPORTED, START, ADAPTED)]


def coverage_table(results: dict) -> list[str]:
    """The table of every coverage of every run."""
    rows = []
    for name, curve in results["coverage"].items():
        whole = lambda at, point: f"{at:.0f}" + (" (whole run)" if point["whole_run"] else "")  # noqa: E731
        rows += [[name, *row] for row in curve_rows(curve, "coverage", whole)]
    return report.table(["run", "coverage", "gate chose", "labelled, %", *HEAD], rows)


def size_table(results: dict) -> list[str]:
    """The table of every genome size."""
    rows = curve_rows(results["size"], "size", lambda size, _: f"{size:,}")
    seconds = [mean_and_range([p["cpu_s"] for p in points], 0) for points in grouped(results["size"][ADAPTED], "size").values()]
    return report.table(["bases", "gate chose", "labelled, %", *HEAD, "CPU seconds"], [[*row, s] for row, s in zip(rows, seconds)])


def draw_curve(axes: Axes, curve: dict, by: str, key: str) -> None:
    """A figure by coverage or size: one dot per seed, hollow if the gate did not choose the adapted model, and a line of means."""
    for who in (REPORTED, START):
        if (value := size_of(curve[who], key)) is not None:
            axes.axhline(value, lw=1.4, **LOOKS[who])
    groups = grouped(curve[ADAPTED], by)
    means = [sum(size_of(p["figures"], key) or 0.0 for p in points) / len(points) for points in groups.values()]
    axes.plot(list(groups), means, lw=1.4, **LOOKS[ADAPTED])
    for point in curve[ADAPTED]:
        face = LOOKS[ADAPTED]["color"] if point["choice"] == "adapted" else "white"
        axes.plot(point[by], size_of(point["figures"], key), ls="", marker="o", ms=4, color=LOOKS[ADAPTED]["color"], mfc=face)
    axes.set_xscale("log")
    axes.tick_params(labelsize=7.5)


def legend(figure: plt.Figure) -> None:
    handles = [plt.Line2D([], [], lw=1.4, label=who, **look) for who, look in LOOKS.items()]
    for label, face in (("gate chose adapted", LOOKS[ADAPTED]["color"]), ("gate fell back", "white")):
        handles.append(plt.Line2D([], [], ls="", marker="o", ms=4, color=LOOKS[ADAPTED]["color"], mfc=face, label=label))
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False, fontsize=8)


def coverage_picture(results: dict) -> plt.Figure:
    """One column per run, one row per figure."""
    runs = results["coverage"]
    figure, grid = plt.subplots(len(FIGURES), len(runs), figsize=(2.4 * len(runs), 6.2), layout="constrained", squeeze=False, sharex=True)
    for column, (name, curve) in enumerate(runs.items()):
        for row, (key, title) in enumerate(FIGURES.items()):
            axes = grid[row][column]
            draw_curve(axes, curve, "coverage", key)
            axes.set_xticks([2, 5, 10, 20, 50, 100], ["2", "5", "10", "20", "50", "100"])
            axes.minorticks_off()
            if column == 0:
                axes.set_ylabel(title, fontsize=8)
        grid[0][column].set_title(name, loc="left", fontsize=8)
    legend(figure)
    figure.supxlabel("coverage: bases of the run / bases of the reference", fontsize=9)
    return figure


def size_picture(results: dict) -> plt.Figure:
    """Figures and the fraction of labelled bases, by size."""
    figure, grid = plt.subplots(1, 4, figsize=(9.6, 2.7), layout="constrained")
    for axes, (key, title) in zip(grid, FIGURES.items()):
        draw_curve(axes, results["size"], "size", key)
        axes.set_title(title, loc="left", fontsize=8)
    points = results["size"][ADAPTED]
    color = LOOKS[ADAPTED]["color"]
    grid[3].plot([p["size"] for p in points], [100 * p["share_labelled"] for p in points], ls="", marker="o", ms=4, color=color)
    grid[3].set(xscale="log", ylim=(0, 102))
    grid[3].set_title("labelled bases of the kept reads, %", loc="left", fontsize=8)
    grid[3].tick_params(labelsize=7.5)
    legend(figure)
    figure.supxlabel("bases of the genome", fontsize=9)
    return figure


def source(results: dict, file: str) -> list[str]:
    """Date and command of a table, and its results file."""
    tools = ", ".join(f"{name} {version}" for name, version in results["tools"].items())
    return [f"Measured {results['date']} by", "", f"    {results['command']}", "", f"with {tools}; `results/{file}`.", ""]


def coverage_text(results: dict) -> list[str]:
    start = "a model that was trained without the flow cell of the run" if results["left_out"] else "the shipped model, which was trained on the truth of these runs"
    return [
        "## Coverage",
        "",
        "Templates are drawn from a real run until they reach the given coverage. `bm adapt` reads only these; the package that it writes,",
        "whatever its gate chose, then scores all reads of the run, so every row of a run is about the same reads. Draws of one seed are",
        "nested. Coverage is a mean over the reference; amplicons and unmapped reads make it uneven.",
        f"*Start* is {start}; *EE* is expected errors per base by the reported qualities, at most 1 %.",
        "Brackets are the lowest and the highest value of the seeds. abs log2 is |log2(predicted / true errors)|: 0 is exact.",
        "",
        *source(results, "curves.json"),
        *coverage_table(results),
        "",
        "![Gain by coverage](results/coverage.svg)",
        "",
    ]


def size_text(results: dict) -> list[str]:
    size = results["size"]
    if not size:
        return []
    return [
        "## Size of the genome",
        "",
        f"This axis is simulated. Random genomes at {size['coverage']} x; reads of {size['read_length']} bases take their quality strings and errors (positions, kinds and,",
        f"where possible, the base that was read) from real reads of {size['lender']} with truth. {size['lent_to_the_run']:,} real reads serve for the run,",
        f"repeatedly if it is large; {size['judged']:,} other reads are scored, each once, on the same genome. So the relation of errors to qualities and",
        "cycles is real. Their relation to neighbouring bases is not, and there are no repeats, diploid sites or uneven coverage: a real",
        "genome of that size is harder. *EE* and *start* do not depend on the genome. `labelled` is the fraction of labelled bases in the reads",
        "kept for learning; of a large run only some reads are kept. CPU seconds are those of `bm adapt`, all threads together.",
        "",
        *source(results, "curves.json"),
        *size_table(results),
        "",
        "![Gain by size](results/size.svg)",
        "",
    ]


def kbbq_rows(sets: dict, evaluation: dict) -> list[list[str]]:
    rows = []
    for name in report.in_order(evaluation["sets"]):
        if name not in sets:
            continue
        s, evaluated = sets[name], evaluation["sets"][name]["judged"]
        if "failed" in s:
            rows.append([name, s["failed"], *[""] * 8])
            continue
        row = [name]
        for key in FIGURES:
            row += [report.with_interval(s["judged"][who]["figures"][key]) for who in ("EE", "kbbq")]
            row.append(report.with_interval(evaluated[own_labels.ADAPTED]["figures"][key]) if own_labels.ADAPTED in evaluated else "–")
        rows.append(row)
    return rows


def kbbq_means(sets: dict, evaluation: dict) -> list[str]:
    """Means over the sets on which kbbq succeeded."""
    names = [name for name in sets if "judged" in sets[name] and own_labels.ADAPTED in evaluation["sets"].get(name, {"judged": {}})["judged"]]
    row = [f"**mean of these ({len(names)})**"]
    for key in FIGURES:
        for of in (*([sets[n]["judged"][who] for n in names] for who in ("EE", "kbbq")), [evaluation["sets"][n]["judged"][own_labels.ADAPTED] for n in names]):
            values = [size_of({key: each["figures"][key][0]}, key) for each in of]
            row.append("–" if None in values or not values else f"**{sum(values) / len(values):.3f}**")
    return row


def kbbq_text(results: dict, evaluation: dict) -> list[str]:
    head = [f"{figure}, {who}" for figure in ("MCC", "AUC", "log2") for who in ("EE", "EE by kbbq", "adapted")]
    return [
        "## Comparison with kbbq",
        "",
        "[kbbq](https://github.com/adamjorr/kbbq) recalibrates reported qualities without a reference, with trusted k-mers and a table of",
        "quality, cycle and dinucleotide. It writes FASTQ; the columns *EE by kbbq* apply the rule EE / length to that FASTQ. kbbq needs the",
        "genome length and gets that of the set's reference; `bm adapt` gets no such information. kbbq seeds its sampling of k-mers from the",
        "clock, so its figures vary slightly. *Adapted* is taken from research/evaluation/results.",
        f"Built from commit {results['kbbq_commit']} with the options of its release build (-O3 -DNDEBUG -march=native) and HTSlib {results['htslib']};",
        "no part of kbbq is in this repository.",
        "",
        *source(results, "kbbq.json"),
        *report.table(["set", *head], [*kbbq_rows(results["sets"], evaluation), kbbq_means(results["sets"], evaluation)]),
        "",
        "Brackets are 95 % intervals over resampled reads; means of log2 are of absolute values.",
        "",
    ]


def markdown(results: dict, kbbq: dict | None, evaluation: dict) -> str:
    """Returns the page, as Markdown."""
    lines = [
        "# How the gain of `bm adapt` depends on coverage and genome size",
        "",
        "<!-- Written by research/adapt/page.py from the results files; edit that script, not this page. -->",
        "",
        "`bm adapt` learns from reads of the run that overlap, so it needs coverage, and a genome large enough to learn general rules instead",
        "of single positions. **Question:** how much coverage, and how large a genome? **Answer:** below a coverage of about five there is",
        "little to learn; the tables and pictures below, from the files in `results/`, have the details. Figures of whole runs are in",
        "[research/evaluation/results](../evaluation/results/README.md). Reproduce with",
        "",
        "    cargo xtask evaluate --data DIR --curves --leave-one-out    # both curves, from models trained without the run",
        "    cargo xtask evaluate --data DIR --curves                    # both curves, from the shipped model",
        "    python research/adapt/kbbq.py --data DIR --kbbq PROGRAM --htslib VERSION --commit HASH    # comparison with kbbq",
        "    python research/adapt/curves.py --render                    # renders this page again",
        "",
        "| file | what it does |",
        "|---|---|",
        "| `curves.py` | subsamples runs, transplants errors, adapts, measures |",
        "| `kbbq.py` | recalibrates the Illumina sets with kbbq and measures the result |",
        "| `page.py` | renders this page and the pictures |",
        "| `definition.py`, `labelled.py`, `gradient_golden.py`, `train_torch.py` | compare the trainer with PyTorch: [TRAINER.md](TRAINER.md) |",
        "| `tests/` | tests with known answers: `python -m unittest discover -s research/adapt/tests` |",
        "",
        *coverage_text(results),
        *size_text(results),
        *(kbbq_text(kbbq, evaluation) if kbbq else []),
    ]
    return "\n".join(lines)


def write(folder: Path) -> None:
    """Write the pictures into ``folder``, and README.md into it too, or into its parent if it is the usual folder."""

    def read(path: Path) -> dict | None:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    results, kbbq = read(folder / "curves.json"), read(folder / "kbbq.json")
    if not results:
        raise SystemExit(f"{folder}: no curves.json")
    evaluation = read(EVALUATION / "results" / "evaluation.json") or {"sets": {}}
    usual = folder.resolve() == (Path(__file__).parent / "results").resolve()
    (folder.parent if usual else folder).joinpath("README.md").write_text(markdown(results, kbbq, evaluation), encoding="utf-8")
    pictures = {"coverage": coverage_picture} | ({"size": size_picture} if results["size"] else {})
    for name, function in pictures.items():
        figure = function(results)
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        plt.close(figure)
        print(f"wrote {name}.svg")
