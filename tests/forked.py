"""A child process that can be killed: forked from the test, so that it starts at once."""

import os
import signal
import sys
import warnings
from collections.abc import Callable


def start(work: Callable[[], object]) -> int:
    """Run the work in a forked child, which ends when the work does; give its process number."""
    with warnings.catch_warnings():
        # the test's time limit is a thread that does nothing; the child does not need it
        warnings.filterwarnings("ignore", message=".*multi-threaded.*", category=DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            if "torch" in sys.modules:
                sys.modules["torch"].set_num_threads(1)  # threads do not survive a fork; waiting for them has no end
            work()
        finally:
            os._exit(0)
    return child


def kill(child: int) -> None:
    """End the child as a loss of power would, and wait until it is gone."""
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
