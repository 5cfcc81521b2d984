"""How the `tinydl` command begins: Ctrl-C ends it in one line, even while it is still being loaded.

A wheel has this file a second time, beside the package, as the module tinydl_start: whoever imports from a package
loads all of it first. So this file imports nothing of tinydl but in `main`, which hands over to cli.py; read that next.
"""

from __future__ import annotations

import os
import signal  # and nothing that takes longer to load


def main() -> int:
    """Load the command and run it; its exit status."""
    listens = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # and doesn't ignore it, as behind nohup
    if listens:
        signal.signal(signal.SIGINT, _leave)
    from tinydl.cli import main as command

    if listens:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return command()


def _leave(*ignored: object) -> None:
    """End at once: an exception raised inside an import can become another, or be swallowed."""
    try:
        os.write(2, b"tinydl: interrupted\n")
    finally:
        os._exit(130)
