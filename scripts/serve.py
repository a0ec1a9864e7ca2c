"""`captionret serve`, without an installation."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from captionret.cli.main import run_script

if __name__ == "__main__":
    sys.exit(run_script("serve"))
