"""Tables for other programs: CSV, and LaTeX with booktabs' rules."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..files import publishing
from .terminal import Value, cell_text, numeric

_ESCAPED = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "→": r"$\rightarrow$",
} | {mark: f"\\{mark}" for mark in "&%$#_{}"}


def write_csv(file: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write rows of the same columns; numbers that are not whole with six decimals, None as nothing."""
    with publishing(file, "w") as target:
        writer = csv.DictWriter(target, list(rows[0]) if rows else ["mode"])
        writer.writeheader()
        writer.writerows(
            {name: f"{value:.6f}" if isinstance(value, float) else value for name, value in row.items()}
            for row in rows
        )
    return file


def latex_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Value]],
    formats: Mapping[str, str] | None = None,
    caption: str = "",
) -> str:
    r"""A table environment for papers, numbers flush right; it needs \usepackage{booktabs}.

    rows:    one value per column each; ValueError otherwise
    formats: how a column's numbers are written, as for `terminal.table`
    """
    formats = formats or {}
    lines = [
        " & ".join(
            latex_text(cell_text(value, formats.get(name))) for name, value in zip(columns, row, strict=True)
        )
        for row in rows
    ]
    right = ["r" if numeric(rows, index) else "l" for index in range(len(columns))]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            *([rf"\caption{{{latex_text(caption)}}}"] if caption else []),
            rf"\begin{{tabular}}{{{''.join(right)}}}",
            r"\toprule",
            " & ".join(map(latex_text, columns)) + r" \\",
            r"\midrule",
            *(line + r" \\" for line in lines),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def latex_text(text: str) -> str:
    """A text with what LaTeX would read as a command escaped.

    >>> print(latex_text("5 % of R@1_a"))
    5 \\% of R@1\\_a
    """
    return "".join(_ESCAPED.get(letter, letter) for letter in text)


def write_latex(
    file: Path,
    columns: Sequence[str],
    rows: Sequence[Sequence[Value]],
    formats: Mapping[str, str] | None = None,
    caption: str = "",
) -> Path:
    """Write `latex_table`."""
    with publishing(file, "w") as target:
        target.write(latex_table(columns, rows, formats, caption))
    return file
