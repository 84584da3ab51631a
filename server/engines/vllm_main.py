"""vLLM's own command line, none of whose processes outlives the one that started it: `python -m server.engines.vllm_main`.

vLLM spawns its engine as a further process, which imports this module, too, as `__mp_main__`.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def _die_with_parent() -> None:
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the parent process is gone")


_die_with_parent()

if __name__ == "__main__":
    from vllm.entrypoints.cli.main import main

    main()
