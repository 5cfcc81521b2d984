"""`python benchmarks/run.py`: tinydl beside hand-written NumPy and everything a user would pick instead, in one run.

Prints a table with the ratio, the target and whether it was reached, and writes a JSON file and a picture. Each
workload runs in a process of its own (measure.py), with the number of threads set before NumPy is loaded. What is
measured is written down in workloads.py, how each peer does it in adapters/ and programs/; `--against COMMIT` compares
tinydl with tinydl as it was then (against.py). README.md, beside this file, has the results, definitions and reasons.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import against
from adapters import ADAPTERS, COMPILERS, NAMES, TWICE
from measure import quartiles
from workloads import Workload, chosen

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Run the chosen workloads; exit status 1 if two peers turned out to do different work or a workload failed.

    Times are not judged: slower than a target, or than a commit, is said and doesn't change the exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="about a minute: few rounds, a first impression")
    parser.add_argument("--only", nargs="+", metavar="W", help="these workloads: --only W1 W3 (W4 means W4a and W4b)")
    parser.add_argument("--threads", type=int, default=1, help="threads each library may use (default 1)")
    parser.add_argument("--output", type=Path, default=HERE / "results", help="folder for JSON file and picture")
    parser.add_argument("--against", metavar="COMMIT", help="instead compare this tree's tinydl with that commit's")
    arguments = parser.parse_args()

    workloads = chosen(arguments.only)
    if arguments.against is not None:
        return against_commit(workloads, arguments)
    there = {peer: installed(needs) and compiler_of(peer) for peer, (_, needs) in ADAPTERS.items()}
    if not there["tinydl"]:
        raise SystemExit("tinydl itself isn't installed in this Python: pip install -e .")
    versions = {peer: version(needs) for peer, (_, needs) in ADAPTERS.items() if there[peer] and peer not in TWICE}
    report = begun(arguments, versions, skipped=[peer for peer in ADAPTERS if not there[peer]])
    print(heading(report), flush=True)
    for workload in workloads:
        peers = [peer for peer in workload.peers if there[peer]]
        if arguments.quick:
            peers = [peer for peer in peers if in_quick(peer, workload)]
        found = in_own_process(workload, peers, arguments.quick, arguments.threads)
        report["workloads"][workload.id] = {"title": workload.title, **found}
        print(table(workload, found, [p for p in workload.peers if not there[p]]), flush=True)

    arguments.output.mkdir(parents=True, exist_ok=True)
    name = f"benchmark-{in_words(arguments.threads).replace(' ', '-')}"
    json_file, picture = arguments.output / f"{name}.json", arguments.output / f"{name}.png"
    json_file.write_text(json.dumps(report, indent=1))
    markdown_file = json_file.with_suffix(".md")
    markdown_file.write_text(markdown(report), encoding="utf-8")
    print("\n" + summary(report))
    print(f"written: {json_file}\nwritten: {markdown_file}")
    if installed(("matplotlib",)):
        draw(report, picture)
        print(f"written: {picture}")
    else:
        print("no picture: matplotlib is not installed")
    return int(any("error" in found for found in report["workloads"].values()))


def in_quick(peer: str, workload: Workload) -> bool:
    """Whether --quick measures it: what has a target does; the others take most of the time, to import and compile."""
    judged = {t.peer.split(",")[0] for t in workload.targets if t.limit is not None or t.ours == "tinydl"}
    ours = {t.ours for t in workload.targets}
    return peer not in COMPILERS and (peer in judged | ours or workload.id in ("W1", "W3"))


# ---- the machine and what is installed on it ----


def installed(packages: tuple[str, ...]) -> bool:
    """Whether all of them can be imported, found out without importing them."""
    return all(importlib.util.find_spec(package) is not None for package in packages)


def compiler_of(peer: str) -> bool:
    """Whether the compiler that a peer needs is there, if it needs one."""
    return peer not in COMPILERS or shutil.which(COMPILERS[peer]) is not None


def version(packages: tuple[str, ...]) -> str:
    """The version of the first of these packages."""
    name = {"sklearn": "scikit-learn"}.get(packages[0], packages[0])
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:  # on the path, not installed
        return "?"


def processor() -> str:
    """Its name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def machine() -> str:
    """Processor, cores, system, Python."""
    return f"{processor()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


# ---- one workload ----


def environment(threads: int) -> dict[str, str]:
    """That of a process which measures: its libraries read the number of threads when they are loaded."""
    n = str(threads)
    variables = {
        **os.environ,
        "OMP_NUM_THREADS": n, "OPENBLAS_NUM_THREADS": n, "MKL_NUM_THREADS": n, "VECLIB_MAXIMUM_THREADS": n,
        "NUMEXPR_NUM_THREADS": n, "TF_NUM_INTRAOP_THREADS": n, "TF_NUM_INTEROP_THREADS": n, "TF_CPP_MIN_LOG_LEVEL": "3",
        "JAX_PLATFORMS": "cpu", "NPROC": n, "CUDA_VISIBLE_DEVICES": "", "PYTHONHASHSEED": "0",
    }  # fmt: skip
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # W11 is about importing, not about compiling
    if threads == 1:
        variables["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    return variables


def in_own_process(workload: Workload, peers: list[str], quick: bool, threads: int) -> dict[str, Any]:
    """Measure one workload in a fresh process."""
    variables = environment(threads)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.json"
        command = [sys.executable, str(HERE / "measure.py"), workload.id, "--peers", *peers, "--to", str(file)]
        start = time.perf_counter()
        process = subprocess.run(command + ["--quick"] * quick, env=variables, stderr=subprocess.PIPE, text=True)
        if process.returncode:
            return {"error": f"the process failed:\n{process.stderr.strip()[-2000:]}"}
        found: dict[str, Any] = json.loads(file.read_text())
    found["took"] = round(time.perf_counter() - start, 1)
    return found


# ---- the table ----


def heading(report: dict[str, Any]) -> str:
    """What was run, where and when."""
    versions = ", ".join(f"{NAMES.get(peer, peer)} {v}" for peer, v in report["versions"].items())
    skipped = ", ".join(NAMES[peer] for peer in report["skipped"])
    lines = [f"{report['command']}   {report['date']}   {in_words(report['threads'])}", report["machine"], versions]
    if skipped:
        lines.append(f"skipped, not installed: {skipped}")
    if report["quick"]:
        lines.append("--quick: few rounds; don't quote these figures")
    return "\n".join(lines)


def in_words(threads: int) -> str:
    """How many threads."""
    return f"{threads} thread{'s' if threads > 1 else ''}"


def title(peer: str) -> str:
    """A peer's name in full, with what is added to it after a comma."""
    name, comma, rest = peer.partition(",")
    return NAMES.get(name, name) + comma + rest


def quantity(value: float, what: str) -> str:
    """A time or a size with its unit."""
    units = [(1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s")]
    if what.startswith("memory"):
        units = [(1.0, "B"), (2**20, "MiB")]
    scale, unit = max((u for u in units if u[0] <= abs(value)), default=units[0])
    number = value / scale
    return f"{number:.0f} {unit}" if number >= 100 else f"{number:.3g} {unit}"


def limit_text(target: dict[str, Any]) -> str:
    """The target as the tables write it."""
    limit = target["limit"]
    if limit is None:
        return "reported"
    if target["unit"] != "ratio":
        return f"≤ {limit:g} {target['unit']}"
    return f"≤ {limit:.3g}" if limit > 0.05 else f"≤ 1/{1 / limit:,.0f}"


def ratio_text(target: dict[str, Any]) -> str:
    """The ratio measured, with its quartiles."""
    low, middle, high = target["ratio"]
    if target["unit"] != "ratio":
        return f"{middle:.1f} ms ({low:.1f} … {high:.1f})"
    if middle < 0.05:
        return f"1/{1 / middle:,.0f} (1/{1 / high:,.0f} … 1/{1 / low:,.0f})"
    return f"{middle:.3f} ({low:.3f} … {high:.3f})"


def reached_text(target: dict[str, Any]) -> str:
    """Reached, missed and by how much, or neither."""
    if target["reached"] is None:
        return ""
    if target["reached"]:
        return "reached"
    over = target["ratio"][0 if target.get("judged") == "lower quartile" else 1] - target["limit"]
    return f"MISSED by {over / target['limit']:.0%}" if target["unit"] == "ratio" else f"MISSED by {over:.1f} ms"


def beside(target: dict[str, Any]) -> str:
    """What the figure is a ratio to and, unless it is the usual one, of what: "NumPy by hand, memory"."""
    return ", ".join(filter(None, [title(target["peer"]), target["what"] if target["what"] != "time" else ""]))


def own(target: dict[str, Any]) -> str:
    """The form of tinydl that the target is about: "", or "compiled"."""
    return title(target["ours"]).removeprefix("tinydl").strip()


def table(workload: Workload, found: dict[str, Any], skipped: list[str]) -> str:
    """One workload: each peer's median with its quartiles, then the targets."""
    lines = ["", f"{workload.id}  {workload.title}" + (f"   ({found['took']} s)" if "took" in found else "")]
    if "error" in found:
        return "\n".join([*lines, f"  ERROR: {found['error']}"])
    for what, peers in found["quartiles"].items():
        for peer, (low, middle, high) in peers.items():
            spread = f"{quantity(low, what)} … {quantity(high, what)}"
            cores = found.get("cores", {}).get(peer, 0)
            busy = f"  kept {cores} cores busy" if cores > 1.1 else ""
            label = what if what != "time" else found.get("unit", "")
            lines.append(f"  {title(peer):34} {quantity(middle, what):>9}   {spread:24} {label}{busy}".rstrip())
    for target in found["targets"]:
        label = f"{title(target['ours'])} {'/' if target['unit'] == 'ratio' else 'over'} {beside(target)}"
        if target["unit"] == "ms":
            label = f"{title(target['ours'])}, {beside(target)}"
        elif target["peer"].startswith("itself"):
            label = f"{target['peer']} / as it is"
        lines.append(f"  → {label:44} {ratio_text(target):30} {limit_text(target):12} {reached_text(target)}".rstrip())
    if skipped:
        lines.append(f"  skipped, not installed: {', '.join(NAMES[p] for p in skipped)}")
    return "\n".join(lines)


def in_short(id: str, target: dict[str, Any]) -> str:
    """A target that was missed, for the summary."""
    named = " ".join(filter(None, [id, own(target)]))
    against = f" against {title(target['peer'])}" if target["peer"] else ""
    return f"{named}{against} ({target['what']})"


def summary(report: dict[str, Any]) -> str:
    """How many targets were reached, and those that weren't by name."""
    judged = [
        (id, t) for id, w in report["workloads"].items() for t in w.get("targets", []) if t["reached"] is not None
    ]
    missed = [in_short(id, t) for id, t in judged if not t["reached"]]
    failed = [id for id, w in report["workloads"].items() if "error" in w]
    text = f"{len(judged) - len(missed)} of {len(judged)} targets reached"
    if missed:
        text += "; missed: " + ", ".join(missed)
    if failed:
        text += "; not measured: " + ", ".join(failed)
    return text


def markdown(report: dict[str, Any]) -> str:
    """The whole run as a Markdown table with a row for each target, as README.md beside this file shows it."""
    lines = [
        f"`{report['command']}`, {report['date'].split()[0]}, {report['machine']}, "
        + ", ".join(f"{NAMES[peer]} {v}" for peer, v in report["versions"].items() if peer != "tinydl")
        + f". {summary(report)}.",
        "",
        "| | work | tinydl | beside | ratio (quartiles) | target | |",
        "|---|---|---|---|---|---|---|",
    ]
    for id, workload in report["workloads"].items():
        heading = f"{id} | {workload['title']}"
        for target in workload.get("targets", []):
            measured = quantity(workload["quartiles"][target["what"]][target["ours"]][1], target["what"])
            figures = [ratio_text(target), limit_text(target), reached_text(target).replace("MISSED", "missed")]
            cells = [heading, f"{own(target)} {measured}".strip(), beside(target), *figures]
            lines.append(f"| {' | '.join(cells)} |")
            heading = " | "
    return "\n".join(lines) + "\n"


# ---- beside another commit ----


def begun(arguments: argparse.Namespace, versions: dict[str, str], skipped: list[str]) -> dict[str, Any]:
    """A report before anything is measured: when, how and on what."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "command": " ".join(["python", "benchmarks/run.py", *sys.argv[1:]]),
        "machine": machine(),
        "threads": arguments.threads,
        "quick": arguments.quick,
        "versions": versions,
        "skipped": skipped,
        "workloads": {},
    }


def against_commit(workloads: list[Workload], arguments: argparse.Namespace) -> int:
    """`--against COMMIT`: both trees in turns, a row for each thing measured, and what has become worse."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the temporary folder goes then, too
    try:
        commit = against.full_name(arguments.against)
    except against.NoSuchCommit as problem:
        print(problem, file=sys.stderr)
        return 2
    report = begun(arguments, {"NumPy": version(("numpy",))}, skipped=[]) | {"commit": commit}
    columns = line_of(
        "", "measured", "this tree (quartiles)", f"{commit[:7]} (quartiles)", "ratio", "in a round", "quartiles"
    )
    print(f"{heading(report)}\n\n{columns}", flush=True)
    with against.trees(commit) as folders:
        for workload in workloads:
            found = against.compare(workload, folders, environment(arguments.threads), arguments.quick)
            report["workloads"][workload.id] = {"title": workload.title, **found}
            print(compared(workload.id, found), flush=True)
    arguments.output.mkdir(parents=True, exist_ok=True)
    name = f"against-{commit[:7]}-{in_words(arguments.threads).replace(' ', '-')}"
    json_file = arguments.output / f"{name}.json"
    json_file.write_text(json.dumps(report, indent=1))
    markdown_file = json_file.with_suffix(".md")
    markdown_file.write_text(markdown_against(report), encoding="utf-8")
    print(f"\nwritten: {json_file}\nwritten: {markdown_file}\n{worse(report)}")
    return int(any("error" in found for found in report["workloads"].values()))


def line_of(*cells: str) -> str:
    """A line of the table that is printed, its cells one below the other."""
    return "".join(f"{cell:{width}}" for cell, width in zip(cells, (6, 35, 33, 33, 8, 23, 0), strict=False)).rstrip()


def cells_of(row: dict[str, Any]) -> list[str]:
    """What both tables have in a row: what was measured, both trees' figures, the ratios, how the quartiles lie."""
    figures = []
    for tree in (against.HERE, against.THERE):
        low, middle, high = (quantity(value, row["what"]) for value in row[tree])
        figures.append(f"{middle} ({low} … {high})")
    low, middle, high = row["within"]
    lie = ("overlap" if row["overlap"] else "apart") + (", WORSE" if row["worse"] else "")
    return [row["what"], *figures, f"{row['ratio']:.3f}", f"{middle:.3f} ({low:.3f} … {high:.3f})", lie]


def compared(id: str, found: dict[str, Any]) -> str:
    """One workload's lines of the table that is printed."""
    if "error" in found:
        return line_of(id, f"ERROR: {found['error']}")
    rows = against.rows(found)
    if not rows:
        return line_of(id, "nothing that both trees can do")
    return "\n".join(line_of("" if k else id, *cells_of(row)) for k, row in enumerate(rows))


def worse(report: dict[str, Any]) -> str:
    """The verdict: which medians are worse than the commit's, if any is."""
    rows = [(id, row) for id, found in report["workloads"].items() for row in against.rows(found)]
    named = [f"{id} {row['what']} ({row['ratio']:.2f})" for id, row in rows if row["worse"]]
    failed = [id for id, found in report["workloads"].items() if "error" in found]
    text = f"worse by more than {100 * (against.LIMIT - 1):.0f} % with the quartiles apart: "
    text += f"{len(named)} of {len(rows)} medians: {', '.join(named)}" if named else f"none of {len(rows)} medians"
    return text + (f"; not measured: {', '.join(failed)}" if failed else "")


def markdown_against(report: dict[str, Any]) -> str:
    """The comparison as a Markdown table, for whoever proposes the change."""
    commit, numpy = report["commit"][:7], report["versions"]["NumPy"]
    lines = [
        f"`{report['command']}`, {report['date'].split()[0]}, {report['machine']}, NumPy {numpy}; {worse(report)}.",
        "",
        f"| | work | measured | this tree (quartiles) | {commit} (quartiles) | ratio | in a round | quartiles |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for id, found in report["workloads"].items():
        for row in against.rows(found):
            lines.append(f"| {id} | {found['title']} | {' | '.join(cells_of(row))} |")
    return "\n".join(lines) + "\n"


# ---- the picture ----

_COLOURS = {
    "numpy": "black", "tinydl compiled": "magenta", "torch": "tab:orange", "torch compiled": "gold", "jax": "tab:blue",
    "autograd": "tab:green", "mygrad": "tab:purple", "micrograd": "tab:brown", "sklearn": "tab:cyan",
    "keras": "tab:red",
}  # fmt: skip


def draw(report: dict[str, Any], file: Path) -> None:
    """One row per workload: how many times tinydl's time (in W10 memory) each peer takes; a bar at the target."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = [(id, w) for id, w in report["workloads"].items() if {"time", "memory"} & w.get("samples", {}).keys()]
    if not shown:
        return
    figure, axes = plt.subplots(figsize=(9, 1.6 + 0.5 * len(shown)), layout="constrained")
    for row, (_, found) in enumerate(shown):
        what = "time" if "time" in found["samples"] else "memory"
        samples = found["samples"][what]
        for peer, colour in _COLOURS.items():
            if peer in samples:
                pairs = zip(samples["tinydl"], samples[peer], strict=True)
                low, middle, high = quartiles([b / a for a, b in pairs])
                axes.plot([low, high], [row, row], color=colour, linewidth=2)
                axes.plot(middle, row, "o", color=colour, markersize=6)
        for target in found["targets"]:
            own_limit = target["limit"] and target["ours"] == "tinydl" and target["unit"] == "ratio"
            if own_limit and target["what"] == what and target["peer"] in _COLOURS:
                colour = _COLOURS[target["peer"]]
                axes.plot([1 / target["limit"]] * 2, [row - 0.32, row + 0.32], color=colour, linewidth=1.5)
    present = {p for _, w in shown for s in w["samples"].values() for p in s}
    for peer, colour in _COLOURS.items():
        if peer in present:
            axes.plot([], [], "o", color=colour, label=NAMES[peer])
    axes.plot([], [], "|", color="grey", markersize=12, label="target (same colour)")
    axes.axvline(1, color="grey", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yticks(range(len(shown)), [f"{id}  {w['title']}" for id, w in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    threads = in_words(report["threads"])
    meaning = "times tinydl's time (W10: memory); tinydl is ahead right of the line"
    figure.suptitle(f"{meaning}\n{report['machine']}; {threads}; {report['date']}", fontsize=9)
    figure.legend(loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    figure.savefig(file, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    raise SystemExit(main())
