"""How much code the three trainings are, with their configs, cards and commands, now and in release 0.5.0.

    python benchmarks/training_size.py
    python benchmarks/training_size.py --root OTHER     # count in another checkout: of 0.5.0, too

Statements are those of Python's own parser, docstrings left out, imports apart: layout and comments count for
nothing. The feature cache and what opens checkpoints (models/checkpoint.py, record.py, trained.py) are not
counted, then as now; what serves more than the trainings, and what is new since, is counted and named.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from results import ROOT, markdown_table, parser

NOW = (
    "captionret/config.py",
    "captionret/training/*.py",
    "captionret/models/card.py",
    "captionret/models/*/config.py",
    "captionret/models/embedding/rows.py",
    "captionret/models/sentence/skipthought/config.py",
    "captionret/cli/training.py",
    "captionret/cli/train_*.py",
)
# Where the same stood in release 0.5.0 (commit 2fc4245).
AT_0_5_0 = (
    "captionret/training/*.py",
    "captionret/models/settings.py",
    "captionret/models/variants.py",
    "captionret/models/joint_variants.py",
    "captionret/models/skipthought_variants.py",
    "captionret/models/card.py",
    "captionret/models/joint_card.py",
    "captionret/models/skipthought_card.py",
    "captionret/cli/train_*.py",
)
NOT_COUNTED = "captionret/training/features.py"
STATEMENTS_AT_0_5_0, IMPORTS_AT_0_5_0 = 1623, 278  # what --root gives for a checkout of it
# What of today's statements wasn't there in 0.5.0, or serves all of the package.
NEW = {
    "one Registry for all tables of the package": {"captionret/config.py": ["Registry"]},
    "a run described by a file": {"captionret/cli/training.py": ["_described", "_value", "_text"]},
    "TensorBoard": {"captionret/training/state.py": ["Log.__init__", "Log.close"]},
    "lexical heads that learn from other heads and from mixtures": {
        "captionret/training/distillation.py": ["taught_words", "teacher_records"],
        "captionret/training/captioning.py": ["CaptionerRun._of_heads", "CaptionerRun._rules_of_teachers"],
        "captionret/training/lexical.py": ["WordsTask._learned", "_mixed"],
        "captionret/models/card.py": ["_taught", "_tried"],
    },
    "lexical heads with last blocks of the CNN's of their own": {
        "captionret/training/captioning.py": [
            "CaptionerRun._own_blocks",
            "CaptionerRun._before_own",
            "CaptionerRun._with_own",
            "_placed",
        ],
        "captionret/models/lexical/config.py": ["LexicalConfig.feature"],
        "captionret/training/lexical.py": ["WordsTask._pooled", "_part_of_cells"],
        "captionret/models/card.py": ["_own_blocks"],
    },
    "lexical heads that learn what captions mean": {
        "captionret/training/meaning.py": ["meaning_tower", "mean_codes", "kept"],
        "captionret/training/lexical.py": ["WordsTask.loss"],
    },
    "spaces that read what is predicted of pictures": {
        "captionret/models/embedding/image_tower.py": ["ShortcutTower"],
        "captionret/training/embedding.py": ["PredictedWords"],
        "captionret/training/features.py": ["FeaturesAndWords", "Features.some", "Features._of_some"],
    },
    # a fingerprint was made by each model then
    "fields and fingerprints under the names of release 0.5.0": {
        "captionret/config.py": ["Config._named", "Config.fingerprinted"],
        "captionret/models/lexical/config.py": ["LexicalConfig.from_json", "LexicalConfig.fingerprinted"],
    },
}
Counts = tuple[int, int]


def counted(tree: ast.AST) -> Counts:
    """How many statements below a node are no docstrings and no imports, and how many are imports."""
    below = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    imports = sum(isinstance(node, ast.Import | ast.ImportFrom) for node in below)
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    docstrings = sum(
        ast.get_docstring(node) is not None for node in ast.walk(tree) if isinstance(node, documented)
    )
    return len(below) - imports - docstrings, imports


def named(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Classes and functions of a module by name, methods as Class.method."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield prefix + node.name, node
            yield from named(node, f"{prefix}{node.name}.")


def parsed(file: Path) -> ast.Module:
    """A module's syntax tree."""
    return ast.parse(file.read_text(encoding="utf-8"))


def size(root: Path, patterns: tuple[str, ...]) -> dict[str, Counts]:
    """The counts of each file that the patterns name, by its path below `root`."""
    files = sorted({file for pattern in patterns for file in root.glob(pattern)})
    counts = {file.relative_to(root).as_posix(): counted(parsed(file)) for file in files}
    counts.pop(NOT_COUNTED, None)
    return counts


def share(parts: dict[str, list[str]]) -> int:
    """The statements of definitions, by file."""
    found = {file: dict(named(parsed(ROOT / file))) for file in parts}
    return sum(counted(found[file][name])[0] for file, names in parts.items() for name in names)


def main() -> None:
    """Print the counts of each file, their sums, and what is new of them."""
    options = parser(__doc__, None)
    options.add_argument("--root", type=Path, default=ROOT, metavar="DIR")
    root = options.parse_args().root
    old = (root / AT_0_5_0[1]).exists()
    counts = size(root, AT_0_5_0 if old else NOW)
    statements, imports = (sum(column) for column in zip(*counts.values(), strict=True))
    rows: list[list[object]] = [[file, *both] for file, both in counts.items()]
    print(markdown_table(["file", "statements", "imports"], [*rows, ["in all", statements, imports]]))
    if old:
        return
    new = {what: share(parts) for what, parts in NEW.items()}
    same = statements - sum(new.values())
    print(f"\nRelease 0.5.0: {STATEMENTS_AT_0_5_0:,} statements, {IMPORTS_AT_0_5_0} imports.")
    print(f"New since: {', '.join(f'{what} {count}' for what, count in new.items())}.")
    print(f"For the same features: {same:,} statements, {STATEMENTS_AT_0_5_0 - same:,} fewer.")


if __name__ == "__main__":
    main()
