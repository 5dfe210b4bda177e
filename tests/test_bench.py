"""The benchmarks run, on little; what they measure is for `make bench` to say."""

from tests.bench import desk


def test_the_desk_is_measured() -> None:
    head, _, *rows = desk.run(sizes=(60, 120), rounds=2)

    assert head.startswith("| act | beside 60 | beside 120 |")
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == list(desk.ACTS)
