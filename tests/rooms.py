"""Which tests belong to which room, and to which of them a change belongs: `.ci/run quick` runs what this prints.

python tests/rooms.py            the test files of what isn't committed yet
python tests/rooms.py COMMIT     of all that the working tree has changed since that commit
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

ALWAYS = "house interface"
# a folder or file → the tests of its room, tests/test_*.py; of several that hold a changed file, the innermost counts
TESTS = {
    "tinydl/engine": "tensor indexing device transforms random mistakes names checks graph source terminal trace",
    "tinydl/derivatives": "derivatives indexing device constants conventions linalg properties testing readme site "
    "norms small_layers",
    "tinydl/derivatives/attention.py": "attention derivatives device properties testing",
    "tinydl/derivatives/collective.py": "derivatives device properties testing parallel",
    "tinydl/derivatives/special.py": "attention derivatives functional",
    "tinydl/derivatives/convolution.py": "derivatives device properties testing convolution",
    "tinydl/derivatives/pooling.py": "derivatives device properties testing convolution",
    "tinydl/derivatives/windows.py": "derivatives device properties testing convolution",
    "tinydl/derivatives/quantising.py": "derivatives device properties testing compression",
    "tinydl/functional": "functional device formulas norms small_layers",
    "tinydl/functional/attention.py": "attention device",
    "tinydl/functional/convolution.py": "convolution device",
    "tinydl/nn": "nn recurrent keeping device formulas mistakes names norms small_layers",
    "tinydl/nn/attention.py": "attention device",
    "tinydl/nn/convolution.py": "convolution device",
    "tinydl/nn/pooling.py": "convolution device",
    "tinydl/nn/synchronised.py": "parallel mpi",
    "tinydl/optim": "optim device formulas saving torch_training",
    "tinydl/training/parallel.py": "parallel mpi",
    "tinydl/training/team.py": "parallel mpi",
    "tinydl/training/apart.py": "privacy",
    "tinydl/training/ghost.py": "privacy",
    "tinydl/training/privacy.py": "privacy",
    "tinydl/data": "data shipped_data",
    "tinydl/data/advice.py": "data tables",
    "tinydl/data/tables.py": "data tables",
    "tinydl/compiling": "compile compile_table compile_watched compile_forms compile_mutations fit_compiled standalone",
    "tinydl/exporting": "standalone onnx onnx_web from_onnx compression",
    "tinydl/training": "fit_compiled parallel privacy resuming training device saving torch_training",
    "tinydl/checking": "gradcheck reports testing",
    "tinydl/checking/samples.py": "derivatives constants properties testing",
    "tinydl/watching": "debug strict diagnose nn",
    "tinydl/watching/attribution.py": "attribution plots device mistakes",
    "tinydl/watching/controls.py": "attribution",
    "tinydl/watching/modes.py": "attribution nn training",
    "tinydl/explaining": "explain page",
    "tinydl/plots": "plots page digit_page",
    "tinydl/plots/attribution.py": "attribution plots",
    "tinydl/course": "cli",
    "tinydl/course/answers.py": "learn",
    "tinydl/course/document.py": "document",
    "tinydl/course/exercises.py": "learn",
    "tinydl/course/judging.py": "learn",
    "tinydl/course/repairs.py": "learn",
    "tinydl/course/learn.py": "learn",
    "tinydl/course/trial.py": "learn",
    "tinydl/testing.py": "testing",
    "tinydl/compress.py": "compression",
    "tinydl/parallel.py": "parallel mpi",
    "tinydl/privacy.py": "privacy",
    "tinydl/cli.py": "cli",
    "tinydl/start.py": "cli terminal",
    "tutorials": "lessons programs site terminal habits",
    "tutorials/exercises": "learn",
    "tutorials/mine.py": "mine",
    "tutorials/_mine.py": "mine",
    "tutorials/14_build_it_yourself.py": "lessons mine site",
    "benchmarks": "benchmarks habits",
    "benchmarks/networks": "networks",
    "benchmarks/attribution.py": "attribution",
    "benchmarks/checkers.py": "gradcheck",
    "benchmarks/make_data.py": "shipped_data",
    "benchmarks/mutation.py": "testing",
    "benchmarks/normal_tail.py": "attention",
    "benchmarks/parallel.py": "parallel mpi",
    "benchmarks/privacy.py": "privacy",
    "README.md": "readme",
    "tests/rooms.py": "habits",
    "tests/device.py": "device",
    "tests/ranks.py": "parallel",
    "tests/over_mpi.py": "mpi",
    "tests/compile_zoo.py": "privacy compile",
    "tests/compile_parts.py": "compile",
    "tests/compile_circumstances.py": "compile",
    "tests/numerical.py": "derivatives linalg formulas functional",
    "tests/written_before_groups.py": "saving",
    "tests/data": "saving learn",
    ".ci": "habits",
    ".pre-commit-config.yaml": "habits",
}


def changed(commit: str = "HEAD") -> list[str]:
    """The files in which the working tree differs from a commit, those that git doesn't know yet included."""
    differ = git("diff", "--name-only", "--no-renames", "-z", commit)
    return sorted({*differ.split("\0"), *git("ls-files", "--others", "--exclude-standard", "-z").split("\0")} - {""})


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def wanted(files: list[str]) -> list[str]:
    """The test files that these files ask for; a test file that is among them asks for itself."""
    names = set(ALWAYS.split())
    for file in files:
        at = max((key for key in TESTS if f"{file}/".startswith(f"{key}/")), key=len, default="")
        names.update(TESTS.get(at, "").split())
        path = Path(file)
        if path.parent == Path("tests") and path.name.startswith("test_") and (ROOT / path).exists():
            names.add(path.stem.removeprefix("test_"))
    return [f"tests/test_{name}.py" for name in sorted(names)]


def main(arguments: list[str]) -> int:
    commit = arguments[0] if arguments else "HEAD"
    try:
        git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")
    except subprocess.CalledProcessError:
        print(f"{commit} names no commit of this repository; `git log --oneline` lists them", file=sys.stderr)
        return 2
    print(*wanted(changed(commit)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
