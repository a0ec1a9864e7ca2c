"""python scripts/retrieve.py --help"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from captionret.cli.options import run
from captionret.cli.search import main

if __name__ == "__main__":
    sys.exit(run(main))
