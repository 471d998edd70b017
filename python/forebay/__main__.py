"""Entry of the zygote: PYTHON DIRECTORY, then --control, --memfd, --wake, --life, --tracebacks FD.

This file must parse on every Python, to say what is wrong with an old one.
"""

import os
import sys


def main():
    if sys.version_info < (3, 11):  # noqa: UP036
        sys.stderr.write(
            "forebay needs Python 3.11 or later, and %s is %s: choose another with --python\n"  # noqa: UP031
            % (sys.executable, sys.version.split()[0])
        )
        sys.exit(1)
    # Our own files are not to be found as top-level modules, and whatever lies beside this package
    # comes last, behind the application's.
    package = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != package]
    sys.path.insert(0, os.path.dirname(package))
    import forebay.zygote  # from here and nowhere else

    sys.path.append(sys.path.pop(0))
    sys.exit(forebay.zygote.main(sys.argv[1:]))


main()
