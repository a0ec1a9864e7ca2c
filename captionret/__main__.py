"""python -m captionret COMMAND: the same as `captionret COMMAND`."""

import sys

from .cli.main import main

if __name__ == "__main__":
    sys.exit(main())
