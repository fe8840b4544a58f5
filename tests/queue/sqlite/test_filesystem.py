"""Where a queue may lie: a local disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagserver.queue.sqlite.ownership import not_local

MOUNTS = """\
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 21 0:40 / /mnt/share rw - nfs4 nas:/export rw,vers=4.2
31 21 0:41 / /mnt/with\\040blank rw shared:9 master:2 - cifs //nas/x rw
32 21 0:42 / /home/erika/remote rw - fuse.sshfs erika@host: rw
33 30 254:1 / /mnt/share/local rw - xfs /dev/vdb rw
34 21 0:43 / /mnt/usb rw - fuseblk /dev/sdb1 rw
35 21 0:44 / /layers rw - fuse.fuse-overlayfs fuse-overlayfs rw
36 21 0:45 / /twice rw - nfs nas:/a rw
37 21 0:46 / /twice rw - tmpfs tmpfs rw
not a line
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/srv/data", None),
        ("/mnt/share/data", "nfs4"),
        ("/mnt/shared", None),
        ("/mnt/with blank", "cifs"),
        ("/home/erika/remote/x/y", "fuse.sshfs"),
        ("/mnt/share/local/data", None),
        ("/mnt/usb/data", "fuseblk"),
        ("/layers/data", None),
        ("/twice/data", None),
    ],
)
def test_the_innermost_mount_decides(folder: str, kind: str | None) -> None:
    assert not_local(Path(folder), MOUNTS.splitlines()) == kind


def test_the_folder_of_a_test_is_local(tmp_path: Path) -> None:
    """Read from the machine itself."""
    assert not_local(tmp_path) is None
