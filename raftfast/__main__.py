"""The command `raftfast`, and `python -m raftfast`."""

import sys


def main() -> int:
    """Run the command line and return its exit code, also where Ctrl-C comes before it is there."""
    try:
        from .cli import main as run
    except KeyboardInterrupt:
        sys.stderr.write("raftfast: interrupted\n")
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
