"""python scripts/caption_images.py --help"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from captionret.cli.index import main
from captionret.cli.options import run

if __name__ == "__main__":
    sys.exit(run(main))
