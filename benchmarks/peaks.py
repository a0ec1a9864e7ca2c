"""How many products a second one core can add up, by the instruction: no engine of the CNN is faster.

    python benchmarks/peaks.py

A C compiler makes a loop of each instruction of AVX-512, on twelve sums that do not wait for each other; the
best of 15 turns. Beside it what the CNNs take: products of a picture, and the least time that this makes.
"""

import platform
import subprocess
import tempfile
from pathlib import Path

from results import markdown_table, parser, write_section

INSTRUCTIONS = {  # by precision: the instruction, and the products that it adds up
    "float32": ("vfmadd231ps", 16),
    "bfloat16": ("vdpbf16ps", 32),
    "float16": ("vfmadd231ph", 32),
    "int8": ("vpdpbusd", 64),
}
PRODUCTS = {"EfficientNet-Lite2, 260 pixels": 0.86e9, "ResNet-152, 224 pixels": 11.51e9}  # of a picture
SOURCE = """
#include <stdio.h>
#include <time.h>
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}
int main(void) {
    double best = 1e9;
    for (int turn = 0; turn < 15; turn++) {
        const double begun = now();
        for (long i = 0; i < 2000000; i++) __asm__ volatile(LOOP ::: "memory");
        if (now() - begun < best) best = now() - begun;
    }
    printf("%g", 24e6 / best);
}
"""


def instructions_a_second(name: str, folder: Path) -> float | None:
    """Of one core; None where the processor does not have it."""
    loop = "".join(f"{name} %%zmm30, %%zmm31, %%zmm{number}\\n" for number in range(12))
    file = folder / f"{name}.c"
    file.write_text(SOURCE.replace("LOOP", f'"{loop}"'))
    subprocess.run(["cc", "-O2", str(file), "-o", str(file.with_suffix(""))], check=True)
    ended = subprocess.run([str(file.with_suffix(""))], capture_output=True, text=True, check=False)
    return float(ended.stdout) if ended.returncode == 0 else None


def main() -> None:
    """Measure, and write the section of RESULTS.md."""
    given = parser(__doc__).parse_args()
    if platform.machine() not in ("x86_64", "AMD64"):
        print("These are instructions of x86-64.")
        return
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for precision, (name, products) in INSTRUCTIONS.items():
            found = instructions_a_second(name, Path(folder))
            each = found * products if found else None
            least = [1000 * count / each if each else None for count in PRODUCTS.values()]
            rows.append([precision, name, each / 1e9 if each else None, *least])
    columns = ["precision", "instruction", "thousand million products a second"]
    columns += [f"{name}: at least, ms" for name in PRODUCTS]
    body = (
        "One core, the best of 15 turns. Without matrix units (AMX) bfloat16 cannot be faster than float32: "
        "its instruction is slower than the one of float32 where this table says so.\n\n"
        f"{markdown_table(columns, rows)}"
    )
    write_section(given.results, "What a core can multiply", body, "python benchmarks/peaks.py")


if __name__ == "__main__":
    main()
