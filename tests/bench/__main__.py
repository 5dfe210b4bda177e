"""Measures, in one run on one machine: `make bench`."""

from tests.bench import desk


def main() -> None:
    """Print every table, line by line as it comes."""
    for line in desk.run():
        print(line, flush=True)


if __name__ == "__main__":
    main()
