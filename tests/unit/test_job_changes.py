"""Who waits for a job is woken by its changes, and by nothing else."""

from server.jobs.changes import Changes
from tests.unit.fakes import run


def test_each_watcher_of_a_job_is_told() -> None:
    async def case() -> None:
        changes = Changes()
        with changes.of("a") as first, changes.of("a") as second, changes.of("b") as other:
            changes.tell("a")
            assert (first.is_set(), second.is_set(), other.is_set()) == (True, True, False)
            changes.tell_all()
            assert other.is_set()

    run(case())


def test_who_has_left_is_not_kept() -> None:
    async def case() -> None:
        changes = Changes()
        with changes.of("a") as gone:
            pass
        changes.tell("a")
        changes.tell_all()
        assert not gone.is_set()
        assert not changes._watching

    run(case())
