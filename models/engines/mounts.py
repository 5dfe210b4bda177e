"""Find SQLite files that are mounted without their folder, as a container may do."""

import re
from pathlib import Path

# The mounts that this process sees (proc_pid_mountinfo(5)). The fifth field is the mount point.
MOUNTS = Path("/proc/self/mountinfo")
MOUNTED_ALONE = (
    "is mounted alone: mount its folder, because SQLite keeps a journal beside the file, and"
    " committed data would be lost with it"
)


def is_mount_point(file: Path) -> bool:
    """Return whether this very file is a mount point. Always False where there is no /proc."""
    try:
        mounts = MOUNTS.read_bytes()
    except OSError:
        return False
    points = {line.split(b" ")[4] for line in mounts.splitlines()}
    return bytes(file.resolve()) in map(_unescaped, points)


def _unescaped(point: bytes) -> bytes:
    """Undo the escapes of white space and backslashes, three octal digits each."""
    return re.sub(rb"\\([0-7]{3})", lambda digits: bytes([int(digits[1], 8)]), point)
