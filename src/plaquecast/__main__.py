"""`python -m plaquecast`, and `torchrun … -m plaquecast`: the command line."""

from plaquecast.cli.main import main

if __name__ == "__main__":
    main()
