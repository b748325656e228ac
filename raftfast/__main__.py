"""`python -m raftfast`: the same as the command `raftfast`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
