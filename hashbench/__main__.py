"""``python -m hashbench``: the command line without an installed script."""

from hashbench.cli.main import main

if __name__ == "__main__":
    main()
