"""Bytes on disk: atomic writes and publishing, JSON files, digests by content, and clear errors when it is full."""

from headrace.storage.atomic import publish_directory, remove_tree, sync_tree, write_atomic
from headrace.storage.digests import DIGEST_BYTES, file_digest, tree_digest, tree_size
from headrace.storage.disk import disk_errors
from headrace.storage.json_files import file_in, from_json, read_json, to_json, to_plain, write_json

__all__ = [
    "DIGEST_BYTES",
    "disk_errors",
    "file_digest",
    "file_in",
    "from_json",
    "publish_directory",
    "read_json",
    "remove_tree",
    "sync_tree",
    "to_json",
    "to_plain",
    "tree_digest",
    "tree_size",
    "write_atomic",
    "write_json",
]
