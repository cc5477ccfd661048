"""Bytes on disk: atomic writes and publishing, digests by content, and clear errors when the disk is full."""

from headrace.storage.atomic import publish_directory, remove_tree, sync_tree, write_atomic
from headrace.storage.digests import DIGEST_BYTES, file_digest, tree_digest, tree_size
from headrace.storage.disk import disk_errors

__all__ = [
    "DIGEST_BYTES",
    "disk_errors",
    "file_digest",
    "publish_directory",
    "remove_tree",
    "sync_tree",
    "tree_digest",
    "tree_size",
    "write_atomic",
]
