"""python scripts/import_checkpoint.py --encoder encoder-5-3000.pkl --decoder decoder-5-3000.pkl --vocab vocab.pkl --out checkpoints/NAME"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from captionret.cli.import_checkpoint import main

if __name__ == "__main__":
    sys.exit(main())
