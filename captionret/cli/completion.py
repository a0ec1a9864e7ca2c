"""Completion in the shell: commands, options, and the names of checkpoints, libraries and modes.

captionret completion bash >> ~/.bashrc          # or zsh, fish, powershell
"""

from collections.abc import Sequence

from .options import FOUND, parser

SHELLS = ("bash", "zsh", "fish", "powershell")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what the shell has to run so that it completes `captionret`."""
    from argcomplete.shell_integration import shellcode

    options = parser("completion", __doc__ or "")
    options.add_argument("shell", choices=SHELLS, help="the shell that you use")
    print(shellcode(["captionret"], shell=options.parse_args(arguments).shell))
    return FOUND
