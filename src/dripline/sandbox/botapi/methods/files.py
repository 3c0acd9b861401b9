"""getFile: where a file can be downloaded."""

from __future__ import annotations

from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.world.messages import Json

_MAX_DOWNLOAD = 20 * 1024 * 1024


def get_file(api: Api, call: Call) -> Json:
    """getFile."""
    file_id = call.text("file_id")
    if not file_id:
        raise bad_request("file_id not specified")
    reference = api.telegram.files.find(call.bot.id, file_id)
    if reference is None:
        raise bad_request("invalid file_id")
    size = len(reference.file.body)
    if size > _MAX_DOWNLOAD:
        raise bad_request("file is too big")
    return {
        "file_id": file_id,
        "file_unique_id": reference.file.unique_id,
        "file_size": size,
        "file_path": reference.path,
    }
