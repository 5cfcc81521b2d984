"""README keeps its promises: its code runs, its tables are those of the package, and its commands are what CI runs.

Run as a program, this file writes README's generated table anew.
"""

import functools
import re
from pathlib import Path

import numpy as np
import pytest

import tinydl as tl
from tinydl.engine import dispatch
from tinydl.engine.advice import full_name

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BEGIN, END = "<!-- differentiable: begin -->", "<!-- differentiable: end -->"
FAMILIES = {
    "elementwise": "elementwise",
    "reductions": "reductions",
    "statistics": "reductions",
    "products": "products and linear algebra",
    "decompositions": "products and linear algebra",
    "convolution": "products and linear algebra",
    "shapes": "shapes",
    "assembling": "shapes",
    "grids": "shapes",
    "indexing": "indexing",
}


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def differentiable():
    """Family → the names of the NumPy functions of this NumPy that have a rule, or are made of such ones."""
    found = {title: set() for title in FAMILIES.values()}
    for function, answer in dispatch.table.items():
        if answer.__qualname__.startswith("_on_arrays") if hasattr(answer, "__qualname__") else False:
            continue
        rule = next(r for r in answer.rules if r) if isinstance(answer, tl.Primitive) else answer
        title = FAMILIES[rule.__module__.rpartition(".")[2]]
        found[title].add(full_name(function).removeprefix("np."))
    return found


def generated():
    """README's table, as Markdown."""
    lines = ["| family | NumPy functions |", "|---|---|"]
    for title, names in differentiable().items():
        lines.append(f"| {title} | {' '.join(f'`{name}`' for name in sorted(names))} |")
    basic = "`x[index]` with integers, slices, `...`, `None`, integer arrays, boolean masks and mixtures"
    lines[-1] = lines[-1].removesuffix("|") + f"and {basic} |"
    own = (
        "relu leaky_relu prelu elu selu celu gelu silu mish sigmoid logsigmoid tanh hardtanh softsign softplus softmax "
        "log_softmax logsumexp erf batch_norm layer_norm group_norm rms_norm"
    )
    lines.append(f"| ours (`tinydl.functional`) | {' '.join(f'`{n}`' for n in own.split())} and the losses |")
    lines += ["", "Where a function has no derivative, the gradient is:", "", "| function | there |", "|---|---|"]
    named = {name: text for name, text in dispatch.kinks.items() if hasattr(np, name) or hasattr(np.linalg, name)}
    named |= {name: dispatch.kinks[name] for name in dispatch.kinks if hasattr(tl.functional, name)}
    lines += [f"| `{name}` | {text.replace('|', chr(92) + '|')} |" for name, text in sorted(named.items())]
    return "\n".join(lines)


def names_in(row):
    """The names in a row of the table that this NumPy, which may be older than the one that wrote it, has too."""
    named = set(re.findall(r"`([\w.]+)`", row.split("|")[2].split("`x[index]`")[0]))
    return {n for n in named if functools.reduce(lambda part, name: getattr(part, name, None), n.split("."), np)}


def test_the_table_of_what_is_differentiable_is_up_to_date():
    text = README.read_text(encoding="utf-8")
    written = text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip().splitlines()
    rows = {line.split("|")[1].strip(): line for line in written if line.startswith("|")}
    advice = "write it anew: python tests/test_readme.py"
    for title, names in differentiable().items():
        assert names_in(rows[title]) == names, advice
    assert written[written.index("") :] == generated().splitlines()[generated().splitlines().index("") :], advice


PROGRAMS = [block for block in blocks("python") if block.startswith('"""Program ')]
EXAMPLES = [block for block in blocks("python") if block not in PROGRAMS]


def test_the_two_programs_are_printed_whole():
    names = ("program_2_regression", "program_1_neuron")
    assert [(ROOT / "tutorials" / f"{name}.py").read_text(encoding="utf-8") for name in names] == PROGRAMS


def test_readme_opens_with_a_few_lines_of_code_and_a_picture_and_what_they_print_is_true(capsys):
    opening = README.read_text(encoding="utf-8").split("\n## ")[0]
    assert len(EXAMPLES[0].split("\n")) <= 8 and EXAMPLES[0] in opening and "\n![" in opening
    exec(EXAMPLES[0], {})
    assert (
        capsys.readouterr().out.strip()
        == EXAMPLES[0].strip().rpartition(", ten")[1][2:] + EXAMPLES[0].strip().rpartition(", ten")[2]
    )


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_example_runs_as_it_is_printed(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(EXAMPLES[number], f"README.md, example {number + 1}", "exec"), {"__name__": "readme"})


def test_the_quick_start_is_exactly_two_commands():
    text = README.read_text(encoding="utf-8")
    section = text[text.index("## Quick start") : text.index("\n## ", text.index("## Quick start") + 1)]
    assert re.findall(r"^```bash\n(.*?)^```$", section, re.MULTILINE | re.DOTALL) == [
        "python -m pip install . && tinydl demo\n",
        'python -m pip install ".[test]" && python -m pytest\n',
    ]


@pytest.mark.parametrize("page", ["README.md", "benchmarks/README.md"])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", (ROOT / page).read_text(encoding="utf-8")):
        if target.startswith("http"):
            continue
        file, _, heading = target.partition("#")
        there = (ROOT / page).parent / file if file else ROOT / page
        assert there.exists(), target
        headings = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.MULTILINE) if heading else []
        anchors = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}
        assert not heading or heading in anchors, target


def test_the_digits_licence_is_stated_where_they_are_and_here():
    for text in (README.read_text(encoding="utf-8"), tl.data.digits.__doc__):
        assert "CC BY 4.0" in text
        assert "10.24432/C50P49" in text


if __name__ == "__main__":
    whole = README.read_text(encoding="utf-8")
    README.write_text(
        f"{whole[: whole.index(BEGIN)]}{BEGIN}\n{generated()}\n{whole[whole.index(END) :]}", encoding="utf-8"
    )
